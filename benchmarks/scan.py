"""One participant at full size: wall time and peak memory of the participant level, whole and step by step.

Machines differ by a factor of two, and the same one by the hour: `scan_cpu_over_unit` is the processor time of the
whole run by that of one registration, timed right before it and never to be changed. Compiled loops are there, as in
all runs of a user but the first: what making them takes is `compile_processor_s`. With `--data` (as of `heads`) the
participant has the first of the real heads, at voxels of 1 mm, and the figures begin with `real_`. `--against` names a
checkout of another commit, which then runs on the same data in the same session.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from benchmarks.heads_case import END, find_heads
from benchmarks.observer import OUTSIDE, RunUse, StepUse, watch_run
from morbids.imaging.greedy import run_greedy
from morbids.imaging.templates import find_template
from morbids.imaging.transforms import rigid_matrix, write_greedy

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "benchmarks" / "scan"
PROCESSORS = 2
QUICK_OPTIONS = ("--voxel-mm", "6")
SEED = 1
LEAST_SHOWN_S = 1.0
"""Steps that take less, all scans together, are summed up as `other`."""


def run(quick: bool, data: Path | None = None, against: Path | None = None) -> dict[str, float]:
    """Simulate one participant with two scans (once), and run the participant level from nothing."""
    folder = FOLDER / f"{'quick' if quick else 'full'}{'' if data is None else '_real'}"
    bids = simulate(folder, quick, data)
    compiled = {"NUMBA_CACHE_DIR": str(folder / "compiled")}
    figures = {"compile_processor_s": compile_loops(compiled)} | _run_tree(ROOT, bids, folder, compiled)
    if against is not None:
        other = _run_tree(against.resolve(), bids, folder)
        chosen = (
            *("scan_cpu_over_unit", "unit_s", "scan_wall_min"),
            *("scan_peak_gb", "scan_peak_resident_gb", "load_of_machine"),
        )
        figures |= {f"against_{name}": other[name] for name in chosen}
        figures["scan_share_of_against"] = figures["scan_cpu_over_unit"] / other["scan_cpu_over_unit"]
    return figures if data is None else {f"real_{name}": value for name, value in figures.items()}


def compile_loops(place: Mapping[str, str]) -> float:
    """Compile all loops anew; processor seconds. `place` is the variable that names their folder."""
    for folder in place.values():
        shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "morbids.numerics.prepare"]
    before = _children_s()
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | dict(place))
    return _children_s() - before


def _children_s() -> float:
    """Processor seconds of all processes that were waited for."""
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def _run_tree(
    tree: Path, bids: Path, folder: Path, variables: Mapping[str, str] = MappingProxyType({})
) -> dict[str, float]:
    """Time the unit, then the participant level of a checkout from nothing."""
    for name in ("out", "work"):
        shutil.rmtree(folder / name, ignore_errors=True)
    options = ["--work-dir", str(folder / "work"), "--nprocs", str(PROCESSORS)]
    command = [sys.executable, str(tree / "run.py"), str(bids), str(folder / "out"), "participant", *options]
    unit_s = time_unit(folder)
    # Its workers import the package of the same checkout, whatever is installed.
    own_package = os.environ | {"PYTHONPATH": str(tree)} | dict(variables)
    log = folder / f"log_{tree.name}.txt"
    use = watch_run(command, folder / "work", log, own_package)
    if use.exit_code:
        raise SystemExit(f"The participant level of {tree} failed: see {log}.")
    return {"scan_cpu_over_unit": use.processor_s / unit_s, "unit_s": unit_s} | figures_of(use)


def time_unit(folder: Path) -> float:
    """Processor seconds of the unit: greedy aligns the template to itself from 8 degrees and 6 mm away, one thread."""
    template = find_template("MNI152NLin2009cAsym", 2, folder / "templates")
    start = write_greedy(
        rigid_matrix(np.array([6.0, -4.0, 3.0, 0.14, 0.05, -0.1])), folder / "unit_start.mat"
    )
    words = ["-a", "-dof", "12", "-m", "NCC", "4x4x4", "-n", "100x50x20", "-ia", str(start)]
    words += ["-i", str(template.brain), str(template.brain), "-o", str(folder / "unit.mat")]
    before = _children_s()
    run_greedy([words], threads=1)
    return _children_s() - before


def simulate(folder: Path, quick: bool, data: Path | None) -> Path:
    """Make the participant, unless it is there from an earlier run."""
    bids, done = folder / "bids", folder / ".simulated"
    if not done.exists():
        shutil.rmtree(bids, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        size = QUICK_OPTIONS if quick else ("--full-size",)
        options = ["--participants", "1", "--seed", str(SEED), *size, *_real_head(data)]
        command = [sys.executable, "-m", "morbids.simulation", str(bids), *options]
        use = watch_run(command, folder, folder / "simulation.txt", os.environ)
        if use.exit_code:
            raise SystemExit(f"The simulation failed: see {folder / 'simulation.txt'}.")
        done.touch()
    return bids


def _real_head(data: Path | None) -> list[str]:
    """Options that give the participant a real head, resampled to the size that scanners give today."""
    if data is None:
        return []
    name = find_heads(data)[0]
    head, labels = data / f"{name}.nii.gz", data / f"{name}{END}"
    return ["--heads", str(head), "--labels", str(labels), "--t1w-voxel-mm", "1"]


def figures_of(use: RunUse) -> dict[str, float]:
    """Figures of a run: the whole, then per step the wall and processor seconds of all scans and the peak memory.

    The two scans of the participant and their T1w image share a name of step where they do the same.
    """
    figures = {
        "scan_wall_min": use.wall_s / 60,
        "scan_peak_gb": use.peak_gb,
        "scan_peak_resident_gb": use.peak_resident_gb,
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
    for folder, held_gb in use.at_peak_gb.items():
        label = "_".join(Path(folder).parts[-2:]) or "scheduler"
        figures[f"at_peak_{label}_gb"] = held_gb
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
