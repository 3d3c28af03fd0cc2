"""Boutiques descriptor and Nipoppy bundle tell what the command line has: no option more, none less."""

import json
import re
from pathlib import Path

from morbids.bids.dataset import morbids_version
from morbids.errors import ExitCode
from morbids.options.command_line import GROUPS, LEVELS, build_parser

BUNDLE = Path(__file__).parents[1] / "docs/nipoppy"
DESCRIPTOR = json.loads((BUNDLE / "descriptor.json").read_text(encoding="utf-8"))
INPUTS = {one.get("command-line-flag", one["id"]): one for one in DESCRIPTOR["inputs"]}
POSITIONAL = ("bids_dir", "output_dir", "analysis_level")


def command_line(values: dict[str, list[str]]) -> list[str]:
    """The words that Boutiques makes of values, by the rules of its schema 0.5."""
    text = str(DESCRIPTOR["command-line"])
    for one in DESCRIPTOR["inputs"]:
        given = values.get(one["id"])
        words = "" if given is None else one.get("list-separator", " ").join(given)
        flag = one.get("command-line-flag", "") if given is not None else ""
        text = text.replace(one["value-key"], f"{flag} {words}".strip())
    assert not re.search(r" \[[A-Z0-9_]+\]( |$)", text)
    return text.split()[1:]


def test_it_has_every_option_with_its_choices() -> None:
    options = {one.name: one for group in GROUPS.values() for one in group}
    assert set(INPUTS) == {*POSITIONAL, *options, "--verbose"}
    assert DESCRIPTOR["tool-version"] == morbids_version()
    assert INPUTS["analysis_level"]["value-choices"] == list(LEVELS)
    for name, option in options.items():
        described = INPUTS[name]
        assert described["optional"], name
        assert (described["type"] == "Flag") == option.flag, name
        assert described.get("value-choices", []) == list(option.choices or ()), name
        assert described.get("list", False) == bool(option.many or option.counts or option.repeated), name


def test_the_command_that_it_makes_is_understood() -> None:
    values = {
        "bids_dir": ["raw"],
        "output_dir": ["out"],
        "analysis_level": ["participant"],
        "participant_label": ["01", "02"],
        "window": ["baseline=10-40", "rejection=50-90"],
        "psf_fwhm": ["6.5"],
        "clean_workdir": [],
    }
    options = build_parser().parse_args(command_line(values))
    assert options.participant_labels == ("01", "02")
    assert [window.name for window in options.windows] == ["baseline", "rejection"]
    assert options.clean_workdir is True


def test_the_bundle_is_of_this_version_and_its_invocation_of_this_descriptor() -> None:
    config = json.loads((BUNDLE / "config.json").read_text(encoding="utf-8"))
    assert config["VERSION"] == morbids_version()
    assert all((BUNDLE / name).is_file() for key, name in config["STEPS"][0].items() if key.endswith("_FILE"))
    invocation = json.loads((BUNDLE / "invocation.json").read_text(encoding="utf-8"))
    assert set(invocation) <= {one["id"] for one in DESCRIPTOR["inputs"]}
    words = {name: [value] if isinstance(value, str) else value for name, value in invocation.items()}
    assert build_parser().parse_args(command_line(words)).analysis_level == "participant"


def test_exit_codes_are_those_of_the_program() -> None:
    told = {code["code"] for code in DESCRIPTOR["error-codes"]}
    assert told == {int(code) for code in ExitCode if code}


def test_babs_is_told_of_options_that_exist() -> None:
    text = (BUNDLE.parent / "babs.yaml").read_text(encoding="utf-8")
    block = text.partition("bids_app_args:")[2].partition("\n\n")[0]
    flags = re.findall(r"^  (-\S+):", block, flags=re.MULTILINE)
    known = {name for action in build_parser()._actions for name in action.option_strings}
    assert len(flags) >= 4
    assert set(flags) <= known
    version = morbids_version().replace(".", "-")
    assert f'morbids: "{version}"' in text
    assert f"--container-name morbids-{version} " in (BUNDLE.parent / "hpc.md").read_text(encoding="utf-8")
