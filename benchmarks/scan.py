"""One participant at full size: wall time and peak memory of the participant level, whole and step by step."""

import os
import shutil
import sys
from pathlib import Path

from benchmarks.observer import OUTSIDE, RunUse, StepUse, watch_run

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "benchmarks" / "scan"
PROCESSORS = 2
QUICK_OPTIONS = ("--voxel-mm", "6")
SEED = 1
LEAST_SHOWN_S = 1.0
"""Steps that take less, all scans together, are summed up as `other`."""


def run(quick: bool) -> dict[str, float]:
    """Simulate one participant with two scans (once), and run the participant level from nothing."""
    folder = FOLDER / ("quick" if quick else "full")
    bids = simulate(folder, quick)
    for name in ("out", "work"):
        shutil.rmtree(folder / name, ignore_errors=True)
    options = ["--work-dir", str(folder / "work"), "--nprocs", str(PROCESSORS)]
    command = [sys.executable, str(ROOT / "run.py"), str(bids), str(folder / "out"), "participant", *options]
    use = watch_run(command, folder / "work", folder / "log.txt", os.environ)
    if use.exit_code:
        raise SystemExit(f"The participant level failed: see {folder / 'log.txt'}.")
    return figures_of(use)


def simulate(folder: Path, quick: bool) -> Path:
    """Make the participant, unless it is there from an earlier run."""
    bids, done = folder / "bids", folder / ".simulated"
    if not done.exists():
        shutil.rmtree(bids, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        size = QUICK_OPTIONS if quick else ("--full-size",)
        options = ["--participants", "1", "--seed", str(SEED), *size]
        command = [sys.executable, "-m", "morbids.simulation", str(bids), *options]
        use = watch_run(command, folder, folder / "simulation.txt", os.environ)
        if use.exit_code:
            raise SystemExit(f"The simulation failed: see {folder / 'simulation.txt'}.")
        done.touch()
    return bids


def figures_of(use: RunUse) -> dict[str, float]:
    """Figures of a run: the whole, then per step the wall and processor seconds of all scans and the peak memory.

    The two scans of the participant and their T1w image share a name of step where they do the same.
    """
    figures = {
        "scan_wall_min": use.wall_s / 60,
        "scan_peak_gb": use.peak_gb,
        "scan_processor_min": use.processor_s / 60,
        "processors": float(PROCESSORS),
        # Near 1 both processors were at work all the time; far above 1 other programs slowed the run.
        "load_of_machine": os.getloadavg()[0] / PROCESSORS,
    }
    steps = _by_name(use)
    shown = sorted(
        (name for name, uses in steps.items() if _processor_s(uses) >= LEAST_SHOWN_S or name == OUTSIDE),
        key=lambda name: -_processor_s(steps[name]),
    )
    for name in shown:
        label = name or "scheduler"
        figures[f"{label}_wall_s"] = sum(one.wall_s for one in steps[name])
        figures[f"{label}_processor_s"] = _processor_s(steps[name])
        figures[f"{label}_peak_gb"] = max(one.peak_gb for one in steps[name])
    others = [one for name, uses in steps.items() if name not in shown for one in uses]
    figures["other_processor_s"] = _processor_s(others)
    return figures


def _by_name(use: RunUse) -> dict[str, list[StepUse]]:
    """Uses by the name of the step, whatever scan or image it belongs to."""
    steps: dict[str, list[StepUse]] = {}
    for folder, one in use.steps.items():
        name = OUTSIDE if len(Path(folder).parts) < 2 else Path(folder).name
        steps.setdefault(name, []).append(one)
    return steps


def _processor_s(uses: list[StepUse]) -> float:
    return sum(one.processor_s for one in uses)
