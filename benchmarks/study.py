"""A study of two tasks from simulation to group level against its truth, and one of the same size without effects."""

import math
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.observer import watch_run
from benchmarks.recovery import accuracy, compare_with_truth
from morbids.bids.names import difference_label, output_path
from morbids.bids.tables import read_table
from morbids.group.steps.correlations import INDEPENDENT
from morbids.imaging.images import read_image
from morbids.simulation.effects import TASKS, Effect, built_in_effects

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "benchmarks" / "study"
SIZE = ("--participants", "8", "--voxel-mm", "4", "--seed", "1")
QUICK_SIZE = ("--participants", "6", "--voxel-mm", "6", "--seed", "1")
PROCESSORS = 2
ALPHA = 0.05
MODEL = "differences"


class Places(NamedTuple):
    """Folders of one study."""

    bids: Path
    results: Path
    work: Path

    @property
    def truth(self) -> Path:
        """The truth dataset."""
        return self.bids / "derivatives" / "truth"


def run(quick: bool) -> dict[str, float]:
    """Recover binding and effects of one study, and count what a study without effects shows.

    What is there from an earlier run is taken up: remove `build/benchmarks/study` to start afresh.
    """
    places = prepare_study("quick" if quick else "effects", quick, null=False)
    figures = accuracy(compare_with_truth(places.truth, places.results, places.work / "truth"))
    figures |= effect_figures(places.results)
    null = prepare_study("quick-null" if quick else "null", quick, null=True)
    return figures | null_figures(null.results)


def prepare_study(name: str, quick: bool, *, null: bool) -> Places:
    """Simulate a study, unless it is there, and run both levels on it; finished steps do not run again."""
    folder = FOLDER / name
    places = Places(folder / "bids", folder / "results", folder / "work")
    _simulate(places, (*(QUICK_SIZE if quick else SIZE), *(["--null"] if null else [])))
    common = ["--work-dir", str(places.work), "--nprocs", str(PROCESSORS)]
    program = [sys.executable, str(ROOT / "run.py"), str(places.bids), str(places.results)]
    _run(folder / "participant.txt", places.work, [*program, "participant", *common])
    _run(folder / "group.txt", places.work, [*program, "group", "--trait", *traits(), *common])
    return places


def _simulate(places: Places, options: Sequence[str]) -> None:
    done = places.bids.with_name("simulated")
    if done.exists():
        return
    shutil.rmtree(places.bids, ignore_errors=True)
    places.bids.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "morbids.simulation", str(places.bids), *options]
    _run(done.with_suffix(".txt"), places.work, command)
    done.touch()


def _run(log: Path, work_dir: Path, command: Sequence[str]) -> None:
    use = watch_run(command, work_dir, log, os.environ)
    if use.exit_code:
        raise SystemExit(f"{' '.join(command)} failed: see {log}.")


def traits() -> list[str]:
    """Columns that a built-in effect goes with."""
    return list(dict.fromkeys(effect.trait for effect in built_in_effects() if effect.trait))


def effect_figures(results: Path) -> dict[str, float]:
    """Statistic of every built-in effect in its direction: t or r, positive is right.

    A region with two sides counts by the mean of its sides.
    """
    effects = built_in_effects()
    found = {effect.name: effect.sign * _statistic(results, effect) for effect in effects}
    figures: dict[str, float] = {
        "effects_right_sign": sum(value > 0 for value in found.values()),
        "effects_built_in": len(effects),
    }
    letter = {"mean": "t", "correlation": "r"}
    return figures | {f"{letter[effect.kind]}: {effect.name}": found[effect.name] for effect in effects}


def _statistic(results: Path, effect: Effect) -> float:
    """Mean t of a region's sides, or correlation with the trait."""
    if effect.kind == "mean":
        table = _group_table(results, "regions", effect.task)
        return float(table.loc[_sides(table, effect.region), "t"].mean())
    table = _correlations(results, effect.task)
    return float(table.loc[_sides(table, effect.region) & (table["trait"] == effect.trait), "r"].mean())


def _sides(table: pd.DataFrame, region: str) -> "pd.Series[bool]":
    return (table["name"] == region) | table["name"].str.startswith(f"{region}_")


def _group_table(results: Path, role: str, task: str) -> pd.DataFrame:
    contrast = difference_label("baseline", task)
    return read_table(output_path(results, {}, role, {"model": MODEL, "contrast": contrast}))


def _correlations(results: Path, task: str) -> pd.DataFrame:
    """Correlations of a-priori regions, without the circular ones of clusters that the same data selected."""
    table = _group_table(results, "correlations", task)
    return table[table["kind"] == INDEPENDENT]


def null_figures(results: Path) -> dict[str, float]:
    """Count what a study without effects shows at family-wise .05, and the most that chance explains.

    A question is one family of tests whose error is controlled together: the a-priori regions of a task (Holm),
    their correlations with one trait (Holm), or one corrected map. Each may err once in twenty studies.
    """
    regions = list(_smallest_of_regions(results))
    maps = [_smallest(path) for path in _corrected_maps(results)]
    expected = ALPHA * (len(regions) + len(maps))
    return {
        "null_false_effects": sum(p < ALPHA for p in (*regions, *maps)),
        "null_false_effects_in_regions": sum(p < ALPHA for p in regions),
        "null_false_effects_in_maps": sum(p < ALPHA for p in maps),
        "null_questions": len(regions) + len(maps),
        "null_expected_false_effects": expected,
        "null_smallest_p": min((*regions, *maps), default=math.nan),
        **_null_changes(results),
    }


def _smallest_of_regions(results: Path) -> Iterator[float]:
    """Yield the smallest Holm p of every family of regions."""
    for task in TASKS:
        yield float(_group_table(results, "regions", task)["p_holm"].min())
        for _, table in _correlations(results, task).groupby("trait"):
            yield float(table["p_holm"].min())


def _corrected_maps(results: Path) -> list[Path]:
    return sorted((results / "group" / f"model-{MODEL}").glob("*_stat-pfwe*_statmap.nii.gz"))


def _smallest(path: Path) -> float:
    return float(np.nanmin(read_image(path).values))


def _null_changes(results: Path) -> dict[str, float]:
    """Mean over regions of the change that is measured where none is, in BP_ND: bias, not chance."""
    return {
        f"null_mean_change_{task}": float(_group_table(results, "regions", task)["effect"].mean())
        for task in TASKS
    }
