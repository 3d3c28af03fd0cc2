"""What scans cost as their number grows: time, memory, disk and files at one, four and sixteen in one run.

Scans are coarse, so that sixteen take minutes; what grows with their number, and what stays flat, is the same at full
size, where `python -m benchmarks scan` measures one.
"""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from benchmarks.observer import watch_run
from benchmarks.runs import ONE_SCAN, ROOT, Places, run_command, simulate

FOLDER = ROOT / "build" / "benchmarks" / "scale"
PROCESSES = 2


class Disk(NamedTuple):
    """What a folder holds: bytes, and files and folders."""

    n_bytes: int
    inodes: int


def run(quick: bool) -> dict[str, float]:
    """Run 1, 4 and 16 participants (quick: 1 and 2) from nothing, then one that cleans its work directory."""
    numbers = (1, 2) if quick else (1, 4, 16)
    bids = simulate(FOLDER, numbers[-1])
    figures: dict[str, float] = {}
    for n_scans in numbers:
        figures |= {f"{name}_at_{n_scans}": value for name, value in measure(bids, n_scans).items()}
    cleaned = measure(bids, 1, "--clean-workdir")
    return figures | {
        "work_mb_per_scan_cleaned": cleaned["work_mb_per_scan"],
        "work_inodes_per_scan": cleaned["work_inodes_per_scan"],
    }


def measure(bids: Path, n_scans: int, *options: str) -> dict[str, float]:
    """Figures of one run of so many participants, per scan where they add up."""
    places = Places(bids, FOLDER / "out", FOLDER / "work", FOLDER / "log.txt")
    places.clear()
    labels = [f"{number:02}" for number in range(1, n_scans + 1)]
    chosen = ("--participant-label", *labels, "--nprocs", str(PROCESSES), *ONE_SCAN, *options)
    use = watch_run(run_command(places, "participant", *chosen), places.work, places.log, os.environ)
    if use.exit_code:
        raise SystemExit(f"The participant level failed: see {places.log}.")
    out, work = disk_of(places.out), disk_of(places.work)
    shutil.rmtree(places.work)
    return {
        "wall_s_per_scan": use.wall_s / n_scans,
        "processor_s_per_scan": use.processor_s / n_scans,
        "peak_gb": use.peak_gb,
        "out_mb_per_scan": out.n_bytes / 1e6 / n_scans,
        "out_inodes_per_scan": out.inodes / n_scans,
        "work_mb_per_scan": work.n_bytes / 1e6 / n_scans,
        "work_inodes_per_scan": work.inodes / n_scans,
    }


def disk_of(folder: Path) -> Disk:
    """Count what is below a folder."""
    paths = list(folder.rglob("*"))
    return Disk(sum(path.lstat().st_size for path in paths if path.is_file()), len(paths))
