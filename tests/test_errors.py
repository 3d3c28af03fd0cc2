"""Scans that cannot be analysed, each for another reason: nothing hides, and nothing stops the others."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from morbids.errors import ExitCode
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import write_scan

pytestmark = pytest.mark.graph

ROOT = Path(__file__).parents[1]


class Finished(NamedTuple):
    """One run: exit code, lines of the log, and the output directory."""

    exit_code: int
    lines: list[str]
    out: Path
    untouched: bool

    def page(self, participant: str) -> str:
        return (self.out / f"sub-{participant}.html").read_text()


def run(raw: Path, out: Path, *options: str) -> Finished:
    before = {path: path.lstat().st_mtime_ns for path in raw.rglob("*")}
    command = [sys.executable, str(ROOT / "run.py"), str(raw), str(out), "participant"]
    command += ["--nprocs", "2", "--skip-bids-validation", *options]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    untouched = before == {path: path.lstat().st_mtime_ns for path in raw.rglob("*")}
    return Finished(finished.returncode, finished.stderr.splitlines(), out, untouched)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images without content, a session, a missing T1w image, an unknown tracer, a file that was never fetched."""
    dataset = DatasetMaker(tmp_path_factory.mktemp("troubled") / "raw")
    write_scan(dataset, "01")
    write_scan(dataset, "02", session="a")
    write_scan(dataset, "03", t1w=False)
    write_scan(dataset, "04", changes={"TracerName": "novelty"})
    write_scan(dataset, "05")
    image = dataset.root / "sub-05/pet/sub-05_task-rejection_pet.nii.gz"
    image.unlink()
    image.symlink_to("../../.git/annex/objects/never/fetched")
    return dataset.root


@pytest.fixture(scope="module")
def finished(troubled: Path) -> Finished:
    return run(troubled, troubled.parent / "out")


def test_a_run_with_failures_ends_with_1_and_without_tracebacks(finished: Finished) -> None:
    assert finished.exit_code == ExitCode.FAILED, finished.lines
    assert not [line for line in finished.lines if line.startswith("Traceback")]


def test_the_input_is_only_read(finished: Finished) -> None:
    assert finished.untouched


def test_scans_that_cannot_be_planned_are_told_before_anything_runs(finished: Finished) -> None:
    first = next(place for place, line in enumerate(finished.lines) if line.endswith(": started"))
    told = "\n".join(finished.lines[:first])
    assert "sub-03_task-rejection is left out." in told
    assert "sub-03 has no T1w image. Add one" in told
    assert "the tracer 'novelty' has no preset with a value for --model and --reference. Give" in told
    assert "sub-05_task-rejection is left out." in told
    assert "datalad get" in told


def test_the_end_of_the_log_says_which_step_of_which_image_failed_and_why(finished: Finished) -> None:
    failed = [line for line in finished.lines if " failed. " in line]
    assert len(failed) == 2
    for label in ("sub-01", "sub-02_ses-a"):
        (line,) = [
            line for line in failed if f"{label}_T1w, finding the brain in the T1w image failed." in line
        ]
        assert "all voxels are 1" in line
        traceback = Path(line.partition("Traceback: ")[2])
        assert "in extract_brain" in traceback.read_text()
        assert str(traceback) in finished.page(label[4:6])


@pytest.mark.parametrize(
    ("participant", "reason"),
    [
        ("01", "all voxels are 1"),
        ("02", "all voxels are 1"),
        ("03", "has no T1w image"),
        ("04", "has no preset with a value for --model and --reference"),
        ("05", "datalad get"),
    ],
)
def test_every_participant_has_a_page_that_says_why(
    finished: Finished, participant: str, reason: str
) -> None:
    assert reason in finished.page(participant)


def test_the_work_directory_is_hidden_in_the_output_by_default(finished: Finished) -> None:
    assert (finished.out / ".work").is_dir()
    assert not [path for path in finished.out.iterdir() if path.name.startswith("crash")]


def test_a_run_that_stops_on_the_first_crash_still_writes_pages(troubled: Path, finished: Finished) -> None:
    out = troubled.parent / "stopped"
    work = finished.out / ".work"
    stopped = run(troubled, out, "--stop-on-first-crash", "-w", str(work), "--nprocs", "1", "-v")
    assert stopped.exit_code == ExitCode.FAILED
    assert len([line for line in stopped.lines if " failed. " in line]) == 1
    assert "Traceback (most recent call last):" in "\n".join(stopped.lines), "asked for by -v"
    assert (out / "sub-01.html").is_file()


def test_the_only_scan_s_own_error_decides_the_exit_code(troubled: Path) -> None:
    alone = run(troubled, troubled.parent / "alone", "--participant-label", "05")
    assert alone.exit_code == ExitCode.BAD_DATA
    assert "sub-05_task-rejection" in alone.page("05")
    assert not list(alone.out.glob("sub-*/")), "nothing but the pages was written"


def test_a_page_is_written_when_no_scan_can_be_planned(tmp_path: Path) -> None:
    dataset = DatasetMaker(tmp_path / "raw")
    write_scan(dataset, "01", t1w=False)
    finished = run(dataset.root, tmp_path / "out")
    assert finished.exit_code == ExitCode.BAD_DATA
    assert any(
        "has no T1w image. Add one to the participant's anat/ folder" in line for line in finished.lines
    )
    assert "has no T1w image" in finished.page("01")
    assert "Add one to the participant" in finished.page("01")
    assert (tmp_path / "out" / "index.html").is_file()
