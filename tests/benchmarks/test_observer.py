"""What a run used, seen from outside."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.observer import OUTSIDE, RunUse, Sample, family, note_samples, step_of, watch_run

pytestmark = pytest.mark.graph

WORKER = """
import os, subprocess, sys, time
os.chdir(sys.argv[1])
block = bytearray(60_000_000)
end = time.process_time() + 0.3
while time.process_time() < end:
    pass
subprocess.run([sys.executable, "-c", "import time; block = bytearray(40_000_000); time.sleep(0.4)"])
"""


def test_step_is_the_folder_below_the_work_directory() -> None:
    work = Path("/data/work dir")
    assert step_of("/data/work dir/sub__01_T1w/extract_brain", work) == "sub__01_T1w/extract_brain"
    assert (
        step_of("/data/work dir/sub__01_T1w/extract_brain/scratch-x1/y", work) == "sub__01_T1w/extract_brain"
    )
    assert step_of("/data", work) == OUTSIDE
    assert step_of("/data/work dir", work) == OUTSIDE


def test_memory_of_processes_adds_up_and_processor_time_counts_once() -> None:
    work, use = Path("/work"), RunUse()
    seen: dict[int, float] = {}
    looks = [
        [Sample(7, 1, "/work/a/x", 1.0, 0.5, 0.9), Sample(8, 7, "/work/a/x", 0.5, 0.25, 0.3)],
        [Sample(7, 1, "/work/a/x", 3.0, 0.1, 0.7), Sample(9, 1, "/work/b/y", 1.0, 0.2, 0.6)],
        # The worker has gone on to another step: its earlier processor time belongs to the first.
        [Sample(7, 1, "/work/b/z", 3.5, 0.3, 0.3)],
    ]
    for moment, samples in enumerate(looks):
        note_samples(use, seen, samples, work, float(moment))
    assert use.peak_gb == pytest.approx(0.75)
    # What processes share counts once: the look with most in all processes is another.
    assert use.peak_resident_gb == pytest.approx(1.3)
    assert use.at_peak_gb == {"a/x": pytest.approx(0.75)}
    assert use.steps["a/x"].processor_s == pytest.approx(1.0 + 0.5 + 2.0)
    assert use.steps["a/x"].peak_gb == pytest.approx(0.75)
    assert use.steps["b/z"].processor_s == pytest.approx(0.5)
    assert use.steps["a/x"].wall_s == pytest.approx(1.1)
    assert use.processor_s == pytest.approx(5.0)


def test_a_run_is_watched_with_the_programs_that_its_steps_start(tmp_path: Path) -> None:
    step = tmp_path / "work" / "scan" / "slow_step"
    step.mkdir(parents=True)
    command = [sys.executable, "-c", WORKER, str(step)]
    use = watch_run(command, tmp_path / "work", tmp_path / "log.txt", os.environ)
    assert use.exit_code == 0
    seen = use.steps["scan/slow_step"]
    assert 0.09 < seen.peak_gb < 0.4
    assert 0.15 < seen.processor_s < 1.5
    assert seen.wall_s >= 0.5
    assert use.peak_gb >= seen.peak_gb


def test_a_failing_command_tells_its_exit_code(tmp_path: Path) -> None:
    use = watch_run([sys.executable, "-c", "exit('wrong')"], tmp_path, tmp_path / "log.txt", os.environ)
    assert use.exit_code == 1
    assert (tmp_path / "log.txt").read_text().strip() == "wrong"


def test_what_processes_share_counts_once() -> None:
    script = "import os, time; block = b'x' * 80_000_000; pids = [os.fork() for _ in range(2)]; time.sleep(2)"
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        time.sleep(1)
        samples = list(family(process.pid))
    finally:
        process.terminate()
        process.wait()
    assert len(samples) == 4
    assert sum(sample.resident_gb for sample in samples) > 4 * 0.08
    assert 0.08 < sum(sample.memory_gb for sample in samples) < 0.13
