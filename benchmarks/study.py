"""A study of two tasks, and one without effects, from simulation to group level, beside perfect readings of them."""

import filecmp
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.recovery import accuracy, atlas_bias, compare_with_truth
from benchmarks.runs import COARSE
from benchmarks.study_readings import (
    MODEL,
    Bias,
    Outcome,
    Readings,
    count_groups,
    count_people,
    judge_effects,
    null_bias,
    questions,
    read_readings,
    read_traits,
)
from morbids.bids.names import output_path
from morbids.bids.tables import read_table
from morbids.numerics.statistics.methods import ALPHA
from morbids.simulation.effects import TASKS, Task, built_in_effects

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "benchmarks" / "study"
PROCESSORS = 2
PAG = "PAG"


class Plan(NamedTuple):
    """What is simulated and how it is tested, written down before the run (docs/performance.md, "The study").

    Attributes
    ----------
    seeds
        Of the studies: each is simulated with its effects and, the same people and heads, without any.
    participants
        People of each study.
    null_tasks
        Scans of each person without effects; with them, one for every task.
    simulation, participant, group
        Options of the simulation and of both levels.
    """

    seeds: tuple[int, ...]
    participants: int
    null_tasks: tuple[Task, ...]
    simulation: tuple[str, ...]
    participant: tuple[str, ...]
    group: tuple[str, ...]


NULL_TASKS: tuple[Task, ...] = (TASKS[0],)
"""Where nothing happens the tasks do not differ, and each costs minutes."""
_FAST_GROUP = (
    "--contrast",
    "baselineMinus*",
    "--inference",
    "max-t",
    "--n-permutations",
    "2000",
    "--small-volume",
    "none",
)
PLAN = Plan((1,), 18, NULL_TASKS, ("--voxel-mm", "5", "--t1w-voxel-mm", "2"), (), _FAST_GROUP)
# Says only whether everything runs.
QUICK_PLAN = Plan((1,), 4, NULL_TASKS, (*COARSE, "--motion", "0"), ("--motion", "off"), _FAST_GROUP)


class Job(NamedTuple):
    """A program that runs, where its words go, and since when it runs."""

    process: "subprocess.Popen[bytes]"
    log: Path
    began_s: float


class Study(NamedTuple):
    """Folder of one simulated study, and the tasks that are scanned."""

    folder: Path
    tasks: tuple[Task, ...] = TASKS

    @property
    def bids(self) -> Path:
        """The dataset."""
        return self.folder / "bids"

    @property
    def truth(self) -> Path:
        """Its truth."""
        return self.bids / "derivatives" / "truth"

    @property
    def results(self) -> Path:
        """What the program makes of it."""
        return self.folder / "results"

    @property
    def readings(self) -> dict[Task, Readings]:
        """A-priori regions of every task."""
        return {task: read_readings(self.truth, self.results, task) for task in self.tasks}


def run(quick: bool) -> dict[str, float]:
    """Simulate and analyse the studies of the plan from the start, and count signs and bias."""
    plan = QUICK_PLAN if quick else PLAN
    began = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    pairs = [make_pair(plan, seed) for seed in plan.seeds]
    outcomes = [
        outcome
        for effects, _ in pairs
        for outcome in judge_effects(effects.readings, read_traits(effects.bids))
    ]
    bias = null_bias([null.readings for _, null in pairs])
    print_tables(outcomes, bias)
    figures = {"people_per_study": float(plan.participants), "studies": float(len(plan.seeds))}
    figures |= (
        sign_figures(outcomes)
        | bias_figures(bias)
        | claim_figures([effects.results for effects, _ in pairs], [null.results for _, null in pairs])
    )
    with_effects, without = (pd.concat(map(_compare, studies)) for studies in zip(*pairs, strict=True))
    figures |= accuracy(with_effects) | atlas_bias(without)
    return figures | {"study_wall_min": (time.monotonic() - began) / 60}


def make_pair(plan: Plan, seed: int) -> tuple[Study, Study]:
    """Simulate the people of a seed with effects and without, and run both levels on both studies."""
    effects, null = Study(FOLDER / f"effects-{seed}"), Study(FOLDER / f"null-{seed}", plan.null_tasks)
    simulation = ("--participants", str(plan.participants), *plan.simulation, "--seed", str(seed))
    _finish(_simulate(effects, simulation), _simulate(null, (*simulation, "--null")))
    _analyse(effects, plan)
    _analyse(null, plan, "--derivatives", str(lend_anatomy(effects, null)))
    return effects, null


def lend_anatomy(lender: Study, borrower: Study) -> Path:
    """Dataset of what the program made of the lender's T1w images, and of nothing else, for the same images elsewhere.

    Raises
    ------
    ValueError
        The borrower has another T1w image, of which the anatomy would be wrong.
    """
    lent = borrower.folder / "anatomy"
    lent.mkdir()
    shutil.copy(lender.results / "dataset_description.json", lent)
    for image in sorted(lender.bids.glob("sub-*/anat/*_T1w.nii.gz")):
        place = image.relative_to(lender.bids)
        if not filecmp.cmp(image, borrower.bids / place, shallow=False):
            raise ValueError(f"{borrower.bids / place} is another image than {image}.")
        (lent / place.parts[0]).mkdir()
        (lent / place.parent).symlink_to(lender.results / place.parent)
    return lent


def _compare(study: Study) -> pd.DataFrame:
    """BP_ND of all scans in the regions of the atlas, beside the truth."""
    table = compare_with_truth(study.truth, study.results, study.folder / "truth")
    return table.assign(scan=f"{study.folder.name} " + table["scan"])


def print_tables(outcomes: Sequence[Outcome], bias: Mapping[str, Bias]) -> None:
    """Print every effect and the bias of every region, the program beside the perfect reading."""
    print(f"{'effect':64} {'t or r':>7} {'perfect':>7}  people right, perfect, of")
    for outcome in outcomes:
        found, perfect = outcome.t_or_r
        people = f"{outcome.right_people[0]:5} {outcome.right_people[1]:3} {outcome.n_people:3}"
        print(f"{outcome.effect.name:64} {found:7.2f} {perfect:7.2f} {people if outcome.n_people else ''}")
    print(f"{'nothing happens: apparent change of BP_ND':46} {'%':>6} {'SE':>5}")
    for region, one in bias.items():
        print(f"{region:46} {one.mean:6.2f} {one.standard_error:5.2f}", flush=True)


def sign_figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Figures of all effects, and of those in the PAG."""
    of_pag = [outcome for outcome in outcomes if outcome.effect.region == PAG]
    counts = {
        "right_sign": count_groups(outcomes),
        "right_sign_people": count_people(outcomes),
        "pag_right_sign": count_groups(of_pag),
        "pag_right_sign_people": count_people(of_pag),
    }
    figures = {key: value for name, count in counts.items() for key, value in count.figures(name).items()}
    for effect in built_in_effects():
        statistics = [outcome.t_or_r for outcome in outcomes if outcome.effect == effect]
        name = ("t: " if effect.kind == "mean" else "r: ") + effect.name
        figures[name], figures[f"{name}, perfect"] = np.mean(statistics, axis=0).tolist()
    return figures


def bias_figures(bias: Mapping[str, Bias]) -> dict[str, float]:
    """Bias of every region and its standard error."""
    figures = {}
    for region, one in bias.items():
        figures[f"null_bias_percent_{region}"] = one.mean
        figures[f"null_bias_percent_se_{region}"] = one.standard_error
    return figures


def claim_figures(effects: Sequence[Path], null: Sequence[Path]) -> dict[str, float]:
    """Count the claims of the group pages; with no effect at all, one page of twenty may claim something."""
    counts = {"claims": effects, "null_claims": null}
    return {
        name: float(sum((read_claims(results)["p_page"] <= ALPHA).sum() for results in studies))
        for name, studies in counts.items()
    }


def read_claims(results: Path) -> pd.DataFrame:
    """Every test of the family of a group page."""
    return read_table(output_path(results, {}, "claims", {"model": MODEL}), ("p_page",))


def _start(words: Sequence[str], log: Path) -> Job:
    """Start a Python program in the repository, its words into a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen([sys.executable, *words], stdout=stream, stderr=stream, cwd=ROOT)
    return Job(process, log, time.monotonic())


def _finish(*jobs: Job) -> None:
    """Wait for programs that must succeed, and print how long each took."""
    for job in jobs:
        if job.process.wait():
            raise SystemExit(f"{job.process.args!r} failed: see {job.log}.")
        minutes = (time.monotonic() - job.began_s) / 60
        print(f"{job.log.relative_to(FOLDER)}: {minutes:.1f} min", flush=True)


def _simulate(study: Study, options: Sequence[str]) -> Job:
    return _start(
        ["-m", "morbids.simulation", str(study.bids), "--tasks", *study.tasks, *options],
        study.folder / "simulation.txt",
    )


def _analyse(study: Study, plan: Plan, *anatomy: str) -> None:
    program = [str(ROOT / "run.py"), str(study.bids), str(study.results)]
    common = ["--work-dir", str(study.folder / "work"), "--nprocs", str(PROCESSORS)]
    levels = {
        "participant": [*common, "--skip-bids-validation", *plan.participant, *anatomy],
        "group": [*common, "--trait", *questions(study.tasks), *plan.group],
    }
    for level, options in levels.items():
        _finish(_start([*program, level, *options], study.folder / f"{level}.txt"))
