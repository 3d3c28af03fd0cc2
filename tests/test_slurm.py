"""Scripts for Slurm: who is submitted, with what, and what a job runs (`scripts/test_slurm.sh`: on a real one)."""

import fcntl
import json
import math
import os
import shlex
import shutil
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from morbids.errors import ExitCode
from morbids.participant.memory import EXTRACT_BRAIN, LEAST_GB, NORMALIZE, SEGMENT
from morbids.participant.plan import USUAL_T1W_VOXELS
from morbids.slurm import Need, main
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import write_scan
from tests.test_project import ROOT

# In the place of Slurm's programs: tell how they were called, and answer as they do.
SBATCH = """#!/bin/bash
echo "$*" >>"$CALLS"
echo "$((100 + $(wc -l <"$CALLS")));trial"
"""
SQUEUE = """#!/bin/bash
[ "$*" = "--user=$(id -u) --noheader --array --format=%F %K %o" ] && cat "$QUEUE"
"""
SCANCEL = """#!/bin/bash
echo "scancel $*" >>"$CALLS"
"""
PROGRAM = """#!/bin/bash
echo "$*" >>"$CALLS"
exit "${CODE:-0}"
"""


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def scripts(dataset: DatasetMaker) -> Path:
    for participant in ("01", "02", "03"):
        write_scan(dataset, participant)
    folder = dataset.root.parent
    words = [str(folder / name) for name in ("raw", "out", "jobs")]
    words += [
        "--work-dir",
        str(folder / "a work"),
        "--cpus",
        "3",
        "--sbatch",
        "--account=lab --partition=slow",
    ]
    assert main([*words, "--participant", "--task-label rejection"]) == ExitCode.OK
    with (folder / "jobs/settings.sh").open("a") as settings:
        settings.write(f"MORBIDS=({write_program(folder / 'bin/program', PROGRAM)})\nLARGEST_ARRAY=2\n")
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)):
        write_program(folder / "bin" / name, text)
    return folder / "jobs"


def call(script: Path, *words: str, **variables: str) -> tuple[int, list[str]]:
    """Exit code of a script, and the calls that it made of the programs beside it."""
    code, calls, _ = call_and_hear(script, *words, **variables)
    return code, calls


def call_and_hear(script: Path, *words: str, **variables: str) -> tuple[int, list[str], list[str]]:
    """Exit code of a script, the calls that it made, and the lines that it printed."""
    calls = script.parent / "calls"
    calls.unlink(missing_ok=True)
    search = f"{script.parent.parent / 'bin'}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": search, "CALLS": str(calls), "QUEUE": "/dev/null"} | variables
    finished = subprocess.run(
        [str(script), *words], env=environment, capture_output=True, text=True, check=False
    )
    assert not finished.stderr
    made = calls.read_text().splitlines() if calls.exists() else []
    return finished.returncode, made, finished.stdout.splitlines()


def test_everyone_is_submitted_in_arrays_and_the_group_after_them(scripts: Path) -> None:
    code, (first, second, group) = call(scripts / "submit.sh")
    assert code == 0
    assert first.startswith("--parsable --array=1-2%50 --cpus-per-task=3 ")
    assert second.startswith("--parsable --array=1-1%50 ")
    assert "--account=lab --partition=slow" in first
    (waiting,) = (scripts / "lists").iterdir()
    assert first.endswith(f" {scripts}/participants.sh {scripts} {waiting.name} 0")
    assert second.endswith(f" {scripts}/participants.sh {scripts} {waiting.name} 2")
    assert "--dependency=afterany:101:102 " in group
    assert group.endswith(f" {scripts}/group.sh {scripts}")


def test_only_those_who_have_not_ended_well_are_submitted_again(scripts: Path) -> None:
    (scripts / "ended").mkdir()
    (scripts / "ended/01").write_text("0\n")
    (scripts / "ended/02").write_text("1\n")
    _, (array,) = call(scripts / "submit.sh", "participants")
    assert "--array=1-2%50" in array
    (waiting,) = (scripts / "lists").iterdir()
    assert waiting.read_text() == "02\n03\n"
    (scripts / "ended/02").write_text("0\n")
    (scripts / "ended/03").write_text("0\n")
    _, (group,), told = call_and_hear(scripts / "submit.sh")
    assert "--dependency" not in group
    assert told[0] == "participants: all have ended well"


def queue_of(scripts: Path, calls: list[str]) -> str:
    """File of what squeue lists of jobs (101 and on) that were submitted by these calls and have not ended."""
    lines = ["99 N/A /somebody/else/group.sh /somebody/else"]
    for job, words in enumerate(calls, 101):
        last = words.partition("--array=1-")[2].partition("%")[0]
        command = words.partition("--partition=slow ")[2]
        elements = range(1, int(last) + 1) if last else ["N/A"]
        lines += [f"{job} {element} {command}" for element in elements]
    file = scripts / "queue"
    file.write_text("".join(f"{line}\n" for line in lines))
    return str(file)


def test_nobody_gets_a_second_job_while_the_first_is_in_the_queue(scripts: Path) -> None:
    _, first = call(scripts / "submit.sh")
    queue = queue_of(scripts, first)
    code, calls, told = call_and_hear(scripts / "submit.sh", QUEUE=queue)
    cancelled, group = calls
    assert code == 0
    assert cancelled == "scancel --state=PENDING 103"
    assert "--dependency=afterany:101:102:103 " in group
    assert told == [
        "participants: 3 not submitted again, as their jobs wait or run (101, 102)",
        "group: job 103 gives its place to the next, or ends before it if it runs already",
        "group: job 102",
    ]
    assert len(list((scripts / "lists").iterdir())) == 1, "no list of nobody stays"


def test_whoever_failed_is_submitted_beside_jobs_that_go_on(scripts: Path) -> None:
    """Elements are found in the list of their own call, whoever has ended since."""
    call(scripts / "submit.sh", "participants")
    (scripts / "ended/01").write_text("0\n")
    _, calls = call(scripts / "submit.sh", "participants")
    queue = Path(queue_of(scripts, calls))
    queue.write_text(queue.read_text().replace("101 1 ", "88 1 /other/jobs/"))  # 02 has failed, 03 waits
    code, (array,), told = call_and_hear(scripts / "submit.sh", "participants", QUEUE=str(queue))
    assert code == 0
    name = array.split()[-2]
    assert (scripts / "lists" / name).read_text() == "02\n"
    assert told == [
        "participants: 1 not submitted again, as their jobs wait or run (101)",
        "participants: job 101, 1 of 1",
    ]


def test_of_two_calls_at_once_the_second_waits(scripts: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with (scripts / "settings.sh").open("r+") as first:
            fcntl.flock(first, fcntl.LOCK_EX)
            second = pool.submit(call, scripts / "submit.sh", "group")
            with pytest.raises(TimeoutError):
                second.result(timeout=0.5)
            assert not (scripts / "calls").exists()
        code, calls = second.result()
    assert (code, len(calls)) == (0, 1)


def test_nothing_is_submitted_where_slurm_does_not_tell_its_queue(scripts: Path) -> None:
    write_program(scripts.parent / "bin/squeue", "#!/bin/bash\nexit 1\n")
    assert call(scripts / "submit.sh") == (1, [])


def run_job(scripts: Path, offset: int, element: int, code: str) -> tuple[int, list[str]]:
    """Run what Slurm would: an element of an array of everyone."""
    for name in ("ended", "seconds", "lists"):
        (scripts / name).mkdir()
    shutil.copy(scripts / "participants.txt", scripts / "lists/all")
    words = (str(scripts), "all", str(offset))
    return call(scripts / "participants.sh", *words, SLURM_ARRAY_TASK_ID=str(element), CODE=code)


def test_a_job_runs_its_participant_and_keeps_the_exit_code(scripts: Path) -> None:
    code, (words,) = run_job(scripts, offset=1, element=2, code="65")
    assert code == 65
    assert (scripts / "ended/03").read_text() == "65\n"
    root = scripts.parent
    places = f"{root}/raw {root}/out participant --participant-label 03 --work-dir {root}/a work/03"
    assert words.startswith(f"{places} --nprocs 3 ")
    assert words.endswith("--task-label rejection")


def settings_of(scripts: Path) -> dict[str, str]:
    lines = (scripts / "settings.sh").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_memory_is_what_steps_need_on_each_processor(scripts: Path) -> None:
    """Images of a few voxels need what libraries and the fits of voxels need."""
    settings = settings_of(scripts)
    assert settings["STEPS_GB"] == "3.3"  # three processors, 1.1 GB of the fits
    assert settings["MEMORY_MB"] == "4500"  # 1.2 GB beside them
    assert (
        settings["GROUP_STEPS_GB"] == "2.5"
    )  # three processors, 0.8 GB and 0.0016 for each of three maps: 2.42
    assert settings["GROUP_MEMORY_MB"] == "3700"
    assert settings["MINUTES"] == "15"


def test_time_follows_from_the_jobs_of_a_run(scripts: Path, tmp_path: Path) -> None:
    (scripts / "seconds").mkdir()
    for label, seconds in (("01", 1200), ("02", 2400)):
        (scripts / "seconds" / label).write_text(f"{seconds}\n")
    root = scripts.parent
    words = [str(root / "raw"), str(root / "out"), str(tmp_path / "next"), "--work-dir", str(root / "work")]
    assert main([*words, "--from-run", str(scripts)]) == ExitCode.OK
    assert settings_of(tmp_path / "next")["MINUTES"] == "60"  # half as much again as 40 minutes


def test_a_run_without_jobs_that_ended_is_refused(
    scripts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = scripts.parent
    words = [str(root / "raw"), str(root / "out"), str(tmp_path / "next"), "--work-dir", str(root / "work")]
    assert main([*words, "--from-run", str(scripts)]) == ExitCode.USAGE
    assert f"No job of {scripts} has ended well." in capsys.readouterr().err


@pytest.mark.parametrize(("code", "told"), [("0", True), ("65", False)])
def test_a_job_that_ends_well_tells_its_time(scripts: Path, code: str, told: bool) -> None:
    run_job(scripts, offset=0, element=1, code=code)
    seconds = scripts / "seconds/01"
    assert seconds.exists() == told
    assert not told or 0 <= int(seconds.read_text()) < 60


def test_an_image_is_called_with_the_folders_that_it_needs(dataset: DatasetMaker, tmp_path: Path) -> None:
    write_scan(dataset, "01")
    words = [
        str(dataset.root),
        str(tmp_path / "out"),
        str(tmp_path / "jobs"),
        "--work-dir",
        str(tmp_path / "work"),
    ]
    assert main([*words, "--image", "/images/morbids.sif"]) == ExitCode.OK
    bound = f"{dataset.root}:{dataset.root}:ro,{tmp_path}/out,{tmp_path}/work"
    expected = f"MORBIDS=(apptainer run --cleanenv --bind {bound} /images/morbids.sif)"
    assert expected in (tmp_path / "jobs/settings.sh").read_text().splitlines()


def test_options_of_others_are_taken_as_documented(dataset: DatasetMaker, tmp_path: Path) -> None:
    """The words of docs/hpc.md: a single option of another program, quoted, begins like one of ours."""
    write_scan(dataset, "01")
    page = (ROOT / "docs/hpc.md").read_text()
    command = page.split("python -m morbids.slurm ")[1].partition("\njobs/submit.sh")[0]
    words = shlex.split(command.replace("\\\n", " "))
    for place in ("out", "jobs", "work"):
        (tmp_path / place).mkdir()
    replaced = {
        "/data/study": str(dataset.root),
        "/data/derivatives/morbids": str(tmp_path / "out"),
        "jobs": str(tmp_path / "jobs"),
        "/scratch/morbids": str(tmp_path / "work"),
    }
    assert main([replaced.get(word, word) for word in words]) == ExitCode.OK
    settings = settings_of(tmp_path / "jobs")
    assert settings["SBATCH_OPTIONS"] == "(--account=lab)"
    assert settings["PARTICIPANT_OPTIONS"] == "(--clean-workdir)"
    assert settings["GROUP_OPTIONS"] == "(--trait age)"


def test_what_stands_in_the_way_is_told(
    dataset: DatasetMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scan(dataset, "01", changes={"FrameTimesStart": None})
    words = [
        str(dataset.root),
        str(tmp_path / "out"),
        str(tmp_path / "jobs"),
        "--work-dir",
        str(tmp_path / "work"),
    ]
    assert main(words) != ExitCode.OK
    assert "FrameTimesStart" in capsys.readouterr().err
    assert not (tmp_path / "jobs").exists()


def test_a_full_size_job_asks_for_more_than_was_measured() -> None:
    """The request that docs/hpc.md states, and what `python -m benchmarks scan` measured of the same scan."""
    largest_gb = max(need.gb(USUAL_T1W_VOXELS) for need in (EXTRACT_BRAIN, NORMALIZE, SEGMENT))
    job_gb = Need(math.ceil(10 * (largest_gb + LEAST_GB)) / 10, 0).job_gb
    assert f"{job_gb:.1f} GB for full-size images on two processors" in (ROOT / "docs/hpc.md").read_text()
    figures = json.loads((ROOT / "benchmarks/results/scan.json").read_text())["figures"]
    assert figures["processors"] == 2
    assert job_gb > 1.25 * figures["scan_peak_gb"]
