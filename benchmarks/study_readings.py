"""A-priori regions of a simulated study: what the program reads there, and what a perfect reading of the image does.

The perfect reading takes BP_ND as the scanner sees it from the truth's tables (`BPND-scanner-*`: after point spread,
without noise, motion or models), in the same people, and is put through the same group tests. It still holds what
differs between people, so that it too can miss an effect: what it misses is no fault of the program.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from scipy import stats

from morbids.bids.names import difference_label, output_path
from morbids.bids.tables import read_table
from morbids.group.steps.regions import read_values
from morbids.imaging.atlases import SPHERES
from morbids.numerics.arrays import FloatArray
from morbids.simulation.effects import Effect, Task, built_in_effects

MODEL = "differences"
CONFIDENCE = 0.95


class Readings(NamedTuple):
    """One task in the people whose scans the group level took.

    Attributes
    ----------
    found, perfect
        (n_people, n_regions) baseline minus challenge, BP_ND; a column per region and per side of it, indexed by
        participant label.
    baseline
        The same of the perfect reading's baseline.
    """

    found: pd.DataFrame
    perfect: pd.DataFrame
    baseline: pd.DataFrame


class Outcome(NamedTuple):
    """One effect of one study, by the program and by the perfect reading.

    Attributes
    ----------
    t_or_r
        Of the group in the effect's direction, (found, perfect): positive is right.
    right_people
        How many people change in its direction, (found, perfect); 0 of 0 for correlations, which no person shows.
    n_people
        Of how many.
    """

    effect: Effect
    t_or_r: tuple[float, float]
    right_people: tuple[int, int]
    n_people: int


class Count(NamedTuple):
    """How often a sign is right, of `n`."""

    found: int
    perfect: int
    n: int

    @property
    def lowest(self) -> float:
        """Least share that chance makes of the perfect reading's: lower end of its exact binomial interval."""
        interval = stats.binomtest(self.perfect, self.n).proportion_ci(CONFIDENCE, method="exact")
        return float(interval.low)

    def figures(self, name: str) -> dict[str, float]:
        """Shares, the least that is within range, and whether the program's share is."""
        share = self.found / self.n
        return {
            f"{name}_share": share,
            f"{name}_share_perfect": self.perfect / self.n,
            f"{name}_lowest_within_range": self.lowest,
            f"{name}_within_range": float(share >= self.lowest),
            f"{name}_n": float(self.n),
        }


def traits() -> list[str]:
    """Columns that a built-in effect goes with."""
    return list(dict.fromkeys(effect.trait for effect in built_in_effects() if effect.trait))


def questions(tasks: tuple[Task, ...]) -> list[str]:
    """The same for `--trait`, each in the task that it is built into."""
    effects = built_in_effects(tasks)
    return list(dict.fromkeys(f"{effect.task}:{effect.trait}" for effect in effects if effect.trait))


def read_readings(truth: Path, results: Path, task: Task) -> Readings:
    """Read the regions' values of a task from the group level, and those of the same people from the truth."""
    entities = {"model": MODEL, "contrast": difference_label("baseline", task), "desc": "values"}
    values = read_values(output_path(results, {}, "regions", entities))
    people = [_person(label) for label in values.labels]
    found = pd.DataFrame(values.values, index=people, columns=list(values.names))
    tables = [_truth_table(truth, person, task) for person in people]
    baseline, challenge = (
        pd.DataFrame([table[f"BPND-scanner-{window}"] for table in tables], index=people)
        for window in ("baseline", task)
    )
    return Readings(*map(_with_means_of_sides, (found, baseline - challenge, baseline)))


def _person(label: str) -> str:
    """Label of the participant in the name of a scan or in `participant_id`."""
    found = re.match(r"sub-([A-Za-z0-9]+)", label)
    if found is None:
        raise ValueError(f"{label} names no participant.")
    return found[1]


def _truth_table(truth: Path, person: str, task: Task) -> pd.DataFrame:
    scan = {"sub": person, "task": task, "trc": "carfentanil"}
    return read_table(output_path(truth, scan, "kinpar", {"seg": SPHERES, "model": "truth"})).set_index(
        "name"
    )


def _with_means_of_sides(table: pd.DataFrame) -> pd.DataFrame:
    left = [str(name)[:-2] for name in table.columns if str(name).endswith("_L")]
    means = {name: (table[f"{name}_L"] + table[f"{name}_R"]) / 2 for name in left}
    return table.assign(**means)


def read_traits(bids: Path) -> pd.DataFrame:
    """(n_people, n_traits) scores, indexed by participant label."""
    tables = [
        read_table(path).set_index("participant_id") for path in sorted((bids / "phenotype").glob("*.tsv"))
    ]
    scores = pd.concat(tables, axis=1)
    return scores.set_axis([_person(label) for label in scores.index])[traits()].astype(float)


def judge_effects(readings: dict[Task, Readings], scores: pd.DataFrame) -> list[Outcome]:
    """Put both readings through the group test of every built-in effect."""
    return [_judge(effect, readings[effect.task], scores) for effect in built_in_effects()]


def _judge(effect: Effect, readings: Readings, scores: pd.DataFrame) -> Outcome:
    found, perfect = (
        effect.sign * table[effect.region].to_numpy() for table in (readings.found, readings.perfect)
    )
    if effect.kind == "mean":
        right = (int((found > 0).sum()), int((perfect > 0).sum()))
        return Outcome(effect, (_t(found), _t(perfect)), right, len(found))
    trait = scores.loc[readings.found.index, effect.trait].to_numpy()
    return Outcome(effect, (_r(found, trait), _r(perfect, trait)), (0, 0), 0)


def count_groups(outcomes: Sequence[Outcome]) -> Count:
    """How many effects have the right sign in the group."""
    found, perfect = (sum(outcome.t_or_r[i] > 0 for outcome in outcomes) for i in (0, 1))
    return Count(found, perfect, len(outcomes))


def count_people(outcomes: Sequence[Outcome]) -> Count:
    """How many people change as a mean effect does, over all of these effects."""
    found, perfect = (sum(outcome.right_people[i] for outcome in outcomes) for i in (0, 1))
    return Count(found, perfect, sum(outcome.n_people for outcome in outcomes))


class Bias(NamedTuple):
    """What is read where nothing happens, beyond the perfect reading; percent of its baseline, a fall is negative."""

    mean: float
    standard_error: float
    n_people: int


def null_bias(studies: Sequence[dict[Task, Readings]]) -> dict[str, Bias]:
    """Mean over people of studies without effects, each person's tasks averaged; by region, sides averaged."""
    people = pd.concat(
        [pd.concat(list(map(_percent, study.values()))).groupby(level=0).mean() for study in studies]
    )
    regions = [str(name) for name in people.columns if not str(name).endswith(("_L", "_R"))]
    return {region: _bias(people[region].dropna().to_numpy(dtype=float)) for region in regions}


def _bias(percent: FloatArray) -> Bias:
    return Bias(float(percent.mean()), float(stats.sem(percent)), len(percent))


def _percent(readings: Readings) -> pd.DataFrame:
    return -100 * (readings.found - readings.perfect) / readings.baseline


def _t(values: FloatArray) -> float:
    return float(stats.ttest_1samp(values, 0.0).statistic)


def _r(values: FloatArray, trait: FloatArray) -> float:
    return float(stats.pearsonr(values, trait).statistic)
