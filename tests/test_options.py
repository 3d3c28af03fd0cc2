"""Options: each changes what it says, is read or refused with a sentence, and belongs to a level."""

import argparse
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from morbids.arguments import Option
from morbids.bids.pooled_efflux import PublishedEfflux
from morbids.errors import ExitCode, MorbidsError
from morbids.options.command_line import (
    GROUPS,
    LEVELS,
    SETTINGS,
    Level,
    build_parser,
    read_resources,
    read_settings,
    read_study,
)
from morbids.options.study import EXECUTION, STUDY
from morbids.settings import GroupSettings, Resources, ScanSettings, Study, parse_plugin_args

POSITIONAL = ["raw", "out", "participant"]
LevelSettings = ScanSettings | GroupSettings
# Options whose effect is not a value of settings, Resources or Study, with the test that shows it.
TESTED_ELSEWHERE = {
    "--help": "test_help_groups_options_by_what_they_change",
    "--version": "test_the_version_is_told",
    "--dry-run": "test_a_dry_run_computes_nothing",
    "--json": "test_a_dry_run_speaks_json",
    "--skip-bids-validation": "test_a_dataset_that_is_not_valid",
}
# Beside the fields of ScanSettings.
PARTICIPANT_ONLY = ("outputs",)
# A value for every option that differs from its default.
EXAMPLES: dict[str, list[str]] = {
    "--participant-label": ["01"],
    "--session-label": ["a"],
    "--task-label": ["rest"],
    "--tracer-label": ["carfentanil"],
    "--run-label": ["1"],
    "--bids-filter-file": ["filter.json"],
    "--derivatives": ["petprep"],
    "--bids-database-dir": ["index"],
    "--window": ["baseline=10-40"],
    "--window-events": ["baseline", "pain"],
    "--model": ["SRTM"],
    "--reference": ["cerebellar_grey"],
    "--reference-erode": ["0"],
    "--reference-gm": ["0.3"],
    "--reference-trim": ["0.1"],
    "--reference-clean": ["off"],
    "--region-gm": ["0"],
    "--pvc": ["gtm"],
    "--psf-fwhm": ["5", "5", "6"],
    "--k2prime": ["0.1"],
    "--mixed-tissue": ["apart"],
    "--t-star": ["20"],
    "--parent-fraction": ["linear"],
    "--blood-delay": ["-7"],
    "--blood-volume": ["fit"],
    "--weights": ["none"],
    "--output-spaces": ["MNI152NLin2009cAsym:res-1"],
    "--pet-smoothing-fwhm": ["4"],
    "--atlas": ["HarvardOxford"],
    "--join-runs": ["never"],
    "--outputs": ["minimal"],
    "--motion": ["off"],
    "--work-dir": ["elsewhere"],
    "--nprocs": ["1"],
    "--omp-nthreads": ["2"],
    "--mem-gb": ["2.5"],
    "--stop-on-first-crash": [],
    "--clean-workdir": [],
    "--plugin": ["SLURM"],
    "--plugin-args": ['{"max_jobs": 5}', "--plugin", "SLURM"],
    "--verbose": [],
    "--maps": ["percent"],
    "--maps-table": ["maps.tsv"],
    "--measure": ["DVR"],
    "--exclude": ["sub-03"],
    "--keep-flagged": [],
    "--smoothing-fwhm": ["8"],
    "--coverage": ["0.8"],
    "--mask-threshold": ["0.5"],
    "--stats-model": ["model.json"],
    "--stats-model-node": ["group"],
    "--contrast": ["baselineMinusRejection"],
    "--trait": ["age"],
    "--expect": ["rejection:activation"],
    "--group-column": ["sex"],
    "--equal-variances": [],
    "--within": ["task"],
    "--average-runs": [],
    "--covariate": ["age"],
    "--inference": ["tfce"],
    "--n-permutations": ["100"],
    "--cluster-forming-p": ["0.01"],
    "--variance-smoothing": ["6"],
    "--small-volume": ["none"],
    "--regions": ["spheres.tsv"],
    "--random-seed": ["7"],
}


def long_options() -> dict[str, argparse.Action]:
    return {
        next(
            text for text in reversed(action.option_strings) if text.startswith("--") and "_" not in text
        ): action
        for action in build_parser()._actions
        if action.option_strings
    }


def levels_of(option: str) -> tuple[Level, ...]:
    """Levels that take an option."""
    known = {one.name: one for options in GROUPS.values() for one in options}.get(option)
    if known is not None and known.field in PARTICIPANT_ONLY:
        return ("participant",)
    if known is None or known in (*STUDY, *EXECUTION):
        return LEVELS
    own = tuple(level for level in LEVELS if known.field in {field.name for field in fields(SETTINGS[level])})
    return own or ("participant",)  # the steps of the reference region


def chosen(arguments: list[str], level: Level = "participant") -> tuple[LevelSettings, Resources, Study]:
    """What the arguments become, with two processors unless they say so; the text of the command line left out."""
    options = build_parser().parse_args(["raw", "out", level, "--nprocs", "2", *arguments])
    study = replace(read_study(options, arguments), command_line="")
    return read_settings(options), read_resources(options), study


def differing(before: Any, after: Any) -> set[str]:
    return {
        field.name for field in fields(before) if getattr(before, field.name) != getattr(after, field.name)
    }


def test_every_option_has_an_example_here() -> None:
    assert set(long_options()) == set(EXAMPLES) | set(TESTED_ELSEWHERE)


@pytest.mark.parametrize("option", list(EXAMPLES))
def test_no_option_is_accepted_and_ignored(option: str) -> None:
    for level in levels_of(option):
        assert chosen([option, *EXAMPLES[option]], level) != chosen([], level)


@pytest.mark.parametrize("option", list(EXAMPLES))
def test_an_option_of_the_other_level_is_refused(option: str) -> None:
    for level in set(LEVELS) - set(levels_of(option)):
        with pytest.raises(MorbidsError, match=f"{option} is not an option of the {level} level") as caught:
            chosen([option, *EXAMPLES[option]], level)
        assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("level", LEVELS)
def test_every_setting_and_resource_has_an_option(level: Level) -> None:
    settings, resources, _ = chosen([], level)
    reached = set()
    for option, example in EXAMPLES.items():
        if level in levels_of(option):
            with_settings, with_resources, _ = chosen([option, *example], level)
            reached |= differing(settings, with_settings) | differing(resources, with_resources)
    assert reached == {field.name for kind in (SETTINGS[level], Resources) for field in fields(kind)}


def test_what_changes_results_says_so_in_its_title() -> None:
    for title, options in GROUPS.items():
        for option in options:
            for level in levels_of(option.name):
                if option.name in EXAMPLES:
                    changed = chosen([option.name, *EXAMPLES[option.name]], level)[0] != chosen([], level)[0]
                    assert changed == ("change results" in title), option.name


def test_help_states_the_defaults_that_are_used() -> None:
    text = build_parser().format_help()
    assert "smoothing of maps before tests; default 6" in text
    assert "{default}" not in text


@pytest.mark.parametrize("name", ["participant", "session", "task", "tracer", "run"])
def test_labels_have_both_spellings_and_may_carry_their_prefix(name: str) -> None:
    assert chosen([f"--{name}_label", "01", "02"]) == chosen([f"--{name}-label", "01", "02"])
    key = {"participant": "sub", "session": "ses", "tracer": "trc"}.get(name, name)
    labels = chosen([f"--{name}-label", f"{key}-01"])[2].filters.labels
    assert labels == {key: ("01",)}


def test_help_groups_options_by_what_they_change() -> None:
    help_text = build_parser().format_help()
    titles = ["which scans:", "kinetics (change results):", "images (change results):"]
    titles += ["group level (change results):", "how to run (results stay the same):", "exit codes:"]
    places = [help_text.index(title) for title in titles]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["raw"], "the following arguments are required"),
        (["raw", "out", "everything"], "invalid choice: 'everything'"),
        ([*POSITIONAL, "--windows", "a=1-2"], "unrecognized arguments: --windows; did you mean --window?"),
        ([*POSITIONAL, "--quick"], "unrecognized arguments: --quick\n"),
        ([*POSITIONAL, "--model", "Loogan"], "There is no model 'Loogan'. Choose one of"),
        (
            [*POSITIONAL, "--model", "mrtm"],
            "Several models begin with 'mrtm'. Choose one of MRTM0, MRTM1, MRTM2.",
        ),
        ([*POSITIONAL, "--window", "a=40-10"], "a=40-10"),
        ([*POSITIONAL, "--window", "forty"], "forty"),
        ([*POSITIONAL, "--output-spaces", "MNI:res-fine"], "SPACE:res-MM"),
        (
            [*POSITIONAL, "--k2prime", "fast"],
            "fast is not a number between 0 and 2, nor 'estimate' or 'none'",
        ),
        ([*POSITIONAL, "--k2prime", "0"], "0 is not a number between 0 and 2"),
        ([*POSITIONAL, "--t-star", "-3"], "-3 is not a number of at least 0, nor 'find'"),
        ([*POSITIONAL, "--t-star", "late"], "late is not a number of at least 0"),
        ([*POSITIONAL, "--pet-smoothing-fwhm", "nan"], "nan is not a number of at least 0"),
        ([*POSITIONAL, "--nprocs", "0"], "0 is not a whole number of at least 1"),
        ([*POSITIONAL, "--omp-nthreads", "two"], "two is not a whole number of at least 1"),
        ([*POSITIONAL, "--mem-gb", "0"], "0 is not a number of at least 0.1"),
        ([*POSITIONAL, "--motion", "maybe"], "maybe is neither on nor off"),
        ([*POSITIONAL, "--psf-fwhm", "5", "6"], "takes 1 or 3 numbers, not 2"),
        ([*POSITIONAL, "--psf-fwhm", "0"], "0 is not a number between 0 and 30"),
        ([*POSITIONAL, "--n-permutations", "5e3"], "5e3 is not a whole number of at least 1"),
        ([*POSITIONAL, "--n-permutations", "1_000"], "1_000 is not a whole number of at least 1"),
        ([*POSITIONAL, "--smoothing-fwhm", "1_0"], "1_0 is not a number of at least 0"),
        ([*POSITIONAL, "--mask-threshold", "nan"], "nan is not a number"),
    ],
)
def test_arguments_that_cannot_be_read_are_usage_errors(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        build_parser().parse_args(arguments)
    assert leaving.value.code == ExitCode.USAGE
    told = capsys.readouterr().err
    assert sentence in told
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize(
    ("typed", "found"),
    [("logan", "LoganRef"), ("LOGANREF", "LoganRef"), ("srtm", "SRTM"), ("lp-ntpet", "lpntPET")],
)
def test_a_model_is_found_by_any_spelling(typed: str, found: str) -> None:
    assert getattr(chosen(["--model", typed])[0], "model") == found  # noqa: B009


def test_k2_prime_may_be_the_file_of_a_group(tmp_path: Path) -> None:
    numbers = {"k2prime": 0.11, "k2primeStandardError": 0.003, "k2primeSpreadBetweenScans": 0.004}
    path = tmp_path / "k2prime.json"
    path.write_text(json.dumps(numbers | {"Scans": {"sub-01": {}}}))
    settings, _, _ = chosen(["--k2prime", str(path)], "participant")
    assert isinstance(settings, ScanSettings)
    assert settings.k2_prime_per_min == PublishedEfflux(0.11, 0.005, "1 scans pooled in k2prime.json")
    path.write_text("{}")
    with pytest.raises(SystemExit):
        chosen(["--k2prime", str(path)], "participant")


def test_values_of_one_option_are_kept_once_and_numbers_all() -> None:
    assert chosen(["--trait", "age", "age"], "group")[0] == chosen(["--trait", "age"], "group")[0]
    assert chosen(["--psf-fwhm", "5", "5", "6"])[0] != chosen(["--psf-fwhm", "5"])[0]


def test_more_threads_than_processors_are_refused() -> None:
    with pytest.raises(MorbidsError, match="--omp-nthreads 3 is more than --nprocs 2"):
        chosen(["--omp-nthreads", "3"])
    with pytest.raises(MorbidsError, match="--plugin-args needs --plugin"):
        chosen(["--plugin-args", '{"max_jobs": 5}'])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"max_jobs"', "cannot be read"),
        ("nowhere.json", "cannot be read"),
        ("list.json", "is no JSON object"),
    ],
)
def test_arguments_of_a_plugin_are_a_json_object(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[5]")
    given = text if text.startswith("{") else str(tmp_path / text)
    with pytest.raises(MorbidsError, match=sentence):
        parse_plugin_args(given)


def test_an_option_without_a_default_leaves_no_trace() -> None:
    parser = argparse.ArgumentParser()
    Option("--x", "x", "help", many=True).add_to(parser.add_argument_group("g"))
    assert vars(parser.parse_args([])) == {}
    assert parser.parse_args(["--x", "b", "a", "b"]).x == ("b", "a")
