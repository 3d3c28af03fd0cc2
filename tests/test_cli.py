"""The command line: options, groups of options, exit codes."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest

from morbids.bids.dataset import morbids_version
from morbids.cli import build_parser, main, read_resources, read_settings, read_study
from morbids.errors import ExitCode
from morbids.settings import Resources, Settings, Study
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import write_scan

ROOT = Path(__file__).parents[1]
POSITIONAL = ["raw", "out", "participant"]
# Options whose effect is not a value of Settings, Resources or Study, with the test that shows it.
TESTED_ELSEWHERE = {
    "--help": "test_help_groups_options_by_what_they_change",
    "--version": "test_the_version_is_told",
    "--skip-bids-validation": "test_a_dataset_that_is_not_valid",
}
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
    "--t-star": ["20"],
    "--weights": ["none"],
    "--output-spaces": ["MNI152NLin2009cAsym:res-1"],
    "--pet-smoothing-fwhm": ["4"],
    "--atlas": ["HarvardOxford"],
    "--join-runs": ["never"],
    "--motion": ["off"],
    "--work-dir": ["elsewhere"],
    "--nprocs": ["1" if (os.cpu_count() or 1) > 1 else "2"],
    "--omp-nthreads": ["1" if (os.cpu_count() or 1) > 3 else "2"],
    "--mem-gb": ["2.5"],
    "--stop-on-first-crash": [],
    "--verbose": [],
    "--maps": ["percent"],
    "--measure": ["DVR"],
    "--exclude": ["sub-03"],
    "--keep-flagged": [],
    "--smoothing-fwhm": ["8"],
    "--mask-threshold": ["0.5"],
    "--stats-model": ["model.json"],
    "--contrast": ["baselineMinusRejection"],
    "--trait": ["age"],
    "--group-column": ["sex"],
    "--equal-variances": [],
    "--covariate": ["age"],
    "--inference": ["tfce"],
    "--n-permutations": ["100"],
    "--cluster-forming-p": ["0.01"],
    "--variance-smoothing": ["6"],
    "--small-volume": ["none"],
    "--regions": ["spheres.tsv"],
    "--random-seed": ["7"],
}


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """Undo what `main` tells numerical libraries."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def long_options() -> dict[str, argparse.Action]:
    return {
        next(
            text for text in reversed(action.option_strings) if text.startswith("--") and "_" not in text
        ): action
        for action in build_parser()._actions
        if action.option_strings
    }


def chosen(arguments: list[str]) -> tuple[Settings, Resources, Study]:
    """What the arguments become; the text of the command line itself left out."""
    options = build_parser().parse_args([*POSITIONAL, *arguments])
    study = replace(read_study(options, arguments), command_line="")
    return read_settings(options), read_resources(options), study


def differing(before: Settings | Resources, after: Settings | Resources) -> set[str]:
    return {
        field.name for field in fields(before) if getattr(before, field.name) != getattr(after, field.name)
    }


def run(dataset: DatasetMaker, *arguments: str, level: str = "participant", output: str = "out") -> int:
    folder = dataset.root.parent
    words = [str(dataset.root), str(folder / output), level, "--work-dir", str(folder / "work"), *arguments]
    return main(words)


def test_every_option_has_an_example_here() -> None:
    assert set(long_options()) == set(EXAMPLES) | set(TESTED_ELSEWHERE)


@pytest.mark.parametrize("option", list(EXAMPLES))
def test_no_option_is_accepted_and_ignored(option: str) -> None:
    if option == "--nprocs" and EXAMPLES[option] == ["2"]:
        pytest.skip("one processor")
    assert chosen([option, *EXAMPLES[option]]) != chosen([])


def test_every_setting_and_resource_has_an_option() -> None:
    settings, resources, _ = chosen([])
    reached = set()
    for option, example in EXAMPLES.items():
        with_settings, with_resources, _ = chosen([option, *example])
        reached |= differing(settings, with_settings) | differing(resources, with_resources)
    everything = {field.name for kind in (Settings, Resources) for field in fields(kind)}
    assert reached == everything


def test_options_that_change_results_are_settings_and_the_others_are_not() -> None:
    groups = {group.title: group for group in build_parser()._action_groups}
    (how,) = [group for title, group in groups.items() if title and "results stay the same" in title]
    settings = chosen([])[0]
    for option, example in EXAMPLES.items():
        is_resource = any(option in action.option_strings for action in how._group_actions)
        changed = chosen([option, *example])[0] != settings
        in_scans = any(option in a.option_strings for a in groups["which scans"]._group_actions)
        assert changed == (not is_resource and not in_scans), option


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


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["--version"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out == f"morbids {morbids_version()}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["raw"], "the following arguments are required"),
        (["raw", "out", "everything"], "invalid choice: 'everything'"),
        ([*POSITIONAL, "--windows", "a=1-2"], "unrecognized arguments"),
        ([*POSITIONAL, "--window", "a=40-10"], "a=40-10"),
        ([*POSITIONAL, "--window", "forty"], "forty"),
        ([*POSITIONAL, "--output-spaces", "MNI:res-fine"], "SPACE:res-MM"),
        (
            [*POSITIONAL, "--k2prime", "fast"],
            "fast is neither 'estimate', 'none' nor a rate between 0 and 2 per minute",
        ),
        ([*POSITIONAL, "--k2prime", "0"], "0 is neither 'estimate', 'none' nor a rate"),
        ([*POSITIONAL, "--t-star", "-3"], "-3 is not a number of at least 0"),
        ([*POSITIONAL, "--t-star", "late"], "late is not a number of at least 0"),
        ([*POSITIONAL, "--pet-smoothing-fwhm", "nan"], "nan is not a number of at least 0"),
        ([*POSITIONAL, "--nprocs", "0"], "0 is not a whole number of at least 1"),
        ([*POSITIONAL, "--omp-nthreads", "two"], "two is not a whole number of at least 1"),
        ([*POSITIONAL, "--mem-gb", "0"], "0 is not a number of at least 0.1"),
        ([*POSITIONAL, "--motion", "maybe"], "invalid choice: 'maybe'"),
    ],
)
def test_arguments_that_cannot_be_read_are_usage_errors(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    assert leaving.value.code == ExitCode.USAGE
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--omp-nthreads", "3", "--nprocs", "2"], "--omp-nthreads 3 is more than --nprocs 2."),
        (["--model", "Logan"], "There is no model 'Logan'."),
        (["--model", "SRTM", "--window", "a=10-40"], "SRTM fits the whole scan, so it has no --window."),
        (["--mem-gb", "0.2"], "of memory, and the run may use 0.2 GB. Raise --mem-gb."),
    ],
)
def test_wishes_that_cannot_be_met_are_usage_errors(
    dataset: DatasetMaker, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scan(dataset, "01")
    assert run(dataset, "--skip-bids-validation", *arguments) == ExitCode.USAGE
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(("output", "work"), [("raw", "work"), ("out", "raw")])
def test_nothing_is_written_where_the_dataset_is(
    dataset: DatasetMaker, output: str, work: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scan(dataset, "01")
    before = sorted(dataset.root.rglob("*"))
    folder = dataset.root.parent
    words = [str(dataset.root), str(folder / output), "participant", "-w", str(folder / work)]
    assert main(words) == ExitCode.USAGE
    assert "is the dataset itself. Give another folder" in capsys.readouterr().err
    assert sorted(dataset.root.rglob("*")) == before


@pytest.mark.parametrize("level", ["participant", "group"])
def test_no_dataset_is_no_input(tmp_path: Path, level: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(tmp_path / "nowhere"), str(tmp_path / "out"), level, "-w", str(tmp_path / "work")]
    assert main(words) == ExitCode.NO_INPUT
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_dataset_without_pet_is_no_input(dataset: DatasetMaker, capsys: pytest.CaptureFixture[str]) -> None:
    dataset.image("sub-01/anat/sub-01_T1w.nii.gz")
    assert run(dataset, "--skip-bids-validation") == ExitCode.NO_INPUT
    assert "has no PET image" in capsys.readouterr().err


def test_a_group_without_participant_results_is_no_input(
    dataset: DatasetMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scan(dataset, "01")
    assert run(dataset, level="group") == ExitCode.NO_INPUT
    assert "Run the participant level first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--participant-label", "09"], "has no participant 09. It has 01."),
        (["--task-label", "rest"], "No PET image has task-rest. The dataset has sub-01_task-rejection."),
    ],
)
def test_filters_that_select_nothing(
    dataset: DatasetMaker, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scan(dataset, "01")
    assert run(dataset, "--skip-bids-validation", *arguments) == ExitCode.NOTHING_SELECTED
    assert sentence in capsys.readouterr().err


def test_a_dataset_that_is_not_valid(dataset: DatasetMaker, capsys: pytest.CaptureFixture[str]) -> None:
    write_scan(dataset, "01", changes={"TracerName": None, "FrameDuration": None})
    assert run(dataset) == ExitCode.INVALID_BIDS
    assert "is not valid BIDS" in capsys.readouterr().err
    # Without the check, the only scan's own error ends the run.
    assert run(dataset, "--skip-bids-validation") == ExitCode.BAD_DATA
    assert "FrameDuration" in capsys.readouterr().err


@pytest.mark.parametrize(("output", "work"), [("file/out", "work"), ("out", "file/work")])
def test_folders_that_cannot_be_written(
    dataset: DatasetMaker, output: str, work: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scan(dataset, "01")
    folder = dataset.root.parent
    (folder / "file").write_text("not a folder")
    words = [str(dataset.root), str(folder / output), "participant", "--skip-bids-validation"]
    assert main([*words, "-w", str(folder / work)]) == ExitCode.CANNOT_WRITE
    assert "cannot be written" in capsys.readouterr().err


def test_run_py_is_the_same_program(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "run.py"), str(tmp_path / "nowhere"), str(tmp_path), "participant"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == ExitCode.NO_INPUT
    assert "is not a directory. Give the root of a PET-BIDS dataset." in finished.stderr
    assert "Traceback" not in finished.stderr
