"""Runs of the program on one coarse scan per participant, for benchmarks of faults and of many jobs at once."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
# The smallest images that every step still works on.
COARSE = ("--voxel-mm", "8", "--t1w-voxel-mm", "3")
ONE_SCAN = ("--task-label", "rejection", "--skip-bids-validation")
STARTED = re.compile(r": started$", flags=re.MULTILINE)


class Places(NamedTuple):
    """Folders of a run, and the file that its log goes to."""

    bids: Path
    out: Path
    work: Path
    log: Path

    def clear(self) -> None:
        """Remove results and work; what is mounted there stays mounted."""
        for folder in (self.out, self.work):
            for path in folder.glob("*") if folder.is_mount() else [folder]:
                shutil.rmtree(path, ignore_errors=True)
                path.unlink(missing_ok=True)

    @property
    def told(self) -> str:
        """What the last run has logged so far."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


def simulate(folder: Path, participants: int) -> Path:
    """Make the study, unless it is there from an earlier run."""
    bids, done = folder / f"bids-{participants}", folder / f".bids-{participants}"
    if not done.exists():
        shutil.rmtree(bids, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        size = ["--participants", str(participants), *COARSE, "--seed", "1"]
        command = [sys.executable, "-m", "morbids.simulation", str(bids), *size]
        subprocess.run(command, check=True, capture_output=True)
        done.touch()
    return bids


def run_command(places: Places, level: str, *options: str) -> list[str]:
    """Words of a run."""
    command = [sys.executable, str(ROOT / "run.py"), str(places.bids), str(places.out), level]
    return [*command, "--work-dir", str(places.work), *options]


def start(places: Places, level: str = "participant", *options: str) -> "subprocess.Popen[bytes]":
    """Start a run in a session of its own, so that whatever it leaves behind can be found."""
    command = run_command(places, level, *(ONE_SCAN if level == "participant" else ()), *options)
    with places.log.open("w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=dict(os.environ))


def finish(places: Places, level: str = "participant", *options: str) -> int:
    """Run to the end and return the exit code."""
    return start(places, level, *options).wait()


def session_of(leader: int) -> list[int]:
    """Processes of a session that are more than an entry which nobody has asked for."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) == leader and state != "Z":
            found.append(int(entry.name))
    return found
