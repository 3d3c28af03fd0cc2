"""The program: one level, exit codes, sentences."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from morbids.bids.dataset import morbids_version
from morbids.cli import _find_caches, main
from morbids.errors import ExitCode
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import write_scan

pytestmark = pytest.mark.graph

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """Undo what `main` tells numerical libraries."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def run(dataset: DatasetMaker, *arguments: str, level: str = "participant", output: str = "out") -> int:
    folder = dataset.root.parent
    words = [str(dataset.root), str(folder / output), level, "--work-dir", str(folder / "work"), *arguments]
    return main(words)


def test_the_version_is_told_before_anything_is_imported() -> None:
    ask = (
        "import sys, morbids.__main__ as entry; entry.main(['--version']); "
        "print(*{'numpy', 'rich', 'argparse', 'morbids.options'} & sys.modules.keys())"
    )
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert told.stdout == f"morbids {morbids_version()}\n\n"


def test_the_version_is_an_option_among_others(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["--version"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out == f"morbids {morbids_version()}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--omp-nthreads", "3", "--nprocs", "2"], "--omp-nthreads 3 is more than --nprocs 2."),
        (["--atlas", "Brodmann"], "There is no atlas 'Brodmann'."),
        (["--reference", "pons"], "There is no reference region 'pons'."),
        (["--model", "SRTM", "--window", "a=10-40"], "SRTM fits the whole scan, so it has no --window."),
        (["--mem-gb", "0.2"], "of memory, and the run may use 0.2 GB. Raise --mem-gb, or check the image"),
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


def test_reading_the_command_line_loads_no_numerical_library() -> None:
    """They read the environment once, at import, and it is set after the options are known; and --version is quick."""
    ask = "from morbids import late_imports; late_imports.import_late(); import sys, morbids.cli; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(told.stdout.split())
    assert not {"numba", "pandas", "nibabel", "nipype", "bids", "SimpleITK", "matplotlib"} & loaded
    # Libraries of scipy are named, and not loaded.
    assert not {"scipy.linalg._flapack", "scipy.optimize._minimize", "scipy.special._ufuncs"} & loaded


def test_a_dry_run_computes_nothing(dataset: DatasetMaker, capsys: pytest.CaptureFixture[str]) -> None:
    write_scan(dataset, "01")
    assert run(dataset, "--dry-run", "--skip-bids-validation") == ExitCode.OK
    assert "1 of 1 scans can start" in capsys.readouterr().out
    assert not (dataset.root.parent / "out").exists()
    assert not (dataset.root.parent / "work").exists()


def test_a_dry_run_speaks_json(dataset: DatasetMaker, capsys: pytest.CaptureFixture[str]) -> None:
    write_scan(dataset, "01", t1w=False)
    assert run(dataset, "--dry-run", "--json", "--skip-bids-validation") == ExitCode.BAD_DATA
    assert json.loads(capsys.readouterr().out)["exit_code"] == ExitCode.BAD_DATA


@pytest.mark.parametrize(
    ("arguments", "level", "sentence"),
    [
        (["--dry-run"], "group", "--dry-run is of the participant level."),
        (["--json"], "participant", "--json is a form of --dry-run."),
    ],
)
def test_dry_runs_that_cannot_be(
    dataset: DatasetMaker, arguments: list[str], level: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scan(dataset, "01")
    assert run(dataset, *arguments, level=level) == ExitCode.USAGE
    assert sentence in capsys.readouterr().err


def test_an_unforeseen_error_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that no system can look up fails where nothing expects it."""
    words = [str(tmp_path / ("x" * 4000)), str(tmp_path / "out"), "participant", "-w", str(tmp_path / "work")]
    assert main(words) == ExitCode.BAD_DATA
    told = capsys.readouterr().err
    assert "cannot be used: File name too long." in told
    assert "Traceback" not in told


def test_compiled_loops_outlive_the_work_directory_where_nobody_else_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    own = _find_caches(tmp_path / "work")
    assert own == tmp_path / "cache" / "morbids"
    assert own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)
    assert _find_caches(tmp_path / "work") == tmp_path / "work" / "caches"
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert _find_caches(tmp_path / "work") == tmp_path / "work" / "caches"
