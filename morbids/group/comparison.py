"""What a group test needs to know: which files each row is made of, and the design."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import Design, make_design, part_variances
from morbids.numerics.statistics.methods import METHODS, Inference
from morbids.numerics.statistics.permutation import cluster_threshold
from morbids.numerics.statistics.unequal import (
    FEWEST_IF_RATIO_VARIES,
    FEWEST_IN_GROUP,
    VARIED_SPREAD,
    smaller_group,
)

# Kinds of question, which share the error of a page: does a map change, do two kinds of map differ within people, do
# maps go with a trait, do groups differ; and whatever a model file asks.
Family = Literal["change", "between", "trait", "group", "model"]
StatisticName = Literal["t", "F"]
# Folder of the built-in questions to differences and to parameters: `group/model-differences/`.
DIFFERENCES, PARAMETERS = "differences", "parameters"
# Directions of a question of F, which has none: some means differ.
DIFFERENCE = ("difference", "")
# Names that a scan has which others are compared with.
REFERENCES = ("baseline", "base", "pre", "placebo", "sham", "control", "test", "off")


@dataclass(frozen=True)
class WrittenDesign:
    """A design as plain numbers: its text is all of it, so that it can be part of a node's cache key.

    Attributes
    ----------
    columns
        Regressors (n_rows,) by name.
    weights
        Of the contrast, by column; others weigh 0. Empty where several contrasts are tested at once.
    second_group
        Column of the second of two groups with unequal variances; empty for equal ones.
    voxelwise
        Whether each voxel is tested by the maps that know it.
    several
        Weights of the contrasts that F tests at once.
    blocks
        Number of each row's participant, where participants have several rows (see `Design`).
    """

    columns: Mapping[str, tuple[float, ...]]
    weights: Mapping[str, float]
    second_group: str = ""
    voxelwise: bool = False
    several: tuple[Mapping[str, float], ...] = ()
    blocks: tuple[int, ...] = ()

    @property
    def design(self) -> Design:
        """Matrix and contrast."""
        columns = {name: np.array(values) for name, values in self.columns.items()}
        design = make_design(columns, self.several or self.weights, self.blocks)
        design = design._replace(voxelwise=self.voxelwise)
        if not self.second_group:
            return design
        return part_variances(design, np.array(self.columns[self.second_group]) > 0)

    def towards(self, expected: int) -> "WrittenDesign":
        """The design whose upper tail is the expected one: with the opposite contrast where a fall is expected."""
        if expected >= 0:
            return self
        return replace(self, weights={name: -weight for name, weight in self.weights.items()})

    @property
    def df(self) -> int:
        """Residual degrees of freedom; those of Welch's test are fewer and differ between voxels."""
        return len(next(iter(self.columns.values()))) - len(self.columns)

    @property
    def judges_z(self) -> bool:
        """Whether maxima and clusters are of z: t means another p where degrees of freedom differ between voxels."""
        return bool(self.second_group) or self.voxelwise

    @property
    def statistic(self) -> StatisticName:
        """The statistic of a region or voxel: F of several contrasts, t of one."""
        return "F" if self.several else "t"

    def judged(self, variance_fwhm_mm: float) -> str:
        """What maxima and clusters are of."""
        if self.judges_z:
            return "z"
        return "pseudo-t" if variance_fwhm_mm and not self.several else self.statistic

    @property
    def height_df(self) -> float:
        """Degrees of freedom of the height that is judged; infinite for z."""
        return math.inf if self.judges_z else self.df

    def forming_height(self, p: float) -> float:
        """Height that forms clusters at a two-tailed p (F: of its upper tail)."""
        return cluster_threshold(p, self.height_df, n_tested=len(self.several))

    def methods(self, asked: tuple[Inference, ...]) -> tuple[Inference, ...]:
        """Return those of the methods that hold: z of other degrees of freedom in each voxel is no Gaussian field.

        Where the variance of a small group is small by chance, Satterthwaite's p is far too small, and the smallest of
        many such p rejects a true null in most studies. Random fields are those of t.
        """
        return tuple(name for name in asked if not self.why_not(name))

    def why_not(self, method: Inference) -> str:
        """Why a method cannot judge it; empty when it can."""
        formula = METHODS[method].formula
        if self.judges_z and formula:
            return "degrees of freedom differ between voxels, and the smallest p of many is then too small"
        if self.several and formula and formula.needs_smoothness:
            return "the statistic is F, and the random fields here are those of t"
        return ""

    @property
    def why_no_claim(self) -> str:
        """Why nothing can be claimed of it, however small its p; empty where it can."""
        smaller = self._smaller_group
        if smaller is None or smaller >= FEWEST_IN_GROUP:
            return ""
        return (
            f"The smaller group has {smaller} people: with unequal variances the level does not hold below "
            f"{FEWEST_IN_GROUP}, so that nothing can be claimed. Where the groups vary alike, --equal-variances can."
        )

    def why_no_brain(self, spread: float) -> str:
        """Why nothing can be claimed of the whole brain; empty where it can.

        `spread` is that of the ratio of the groups' standard deviations over the brain (`unequal.Ratio`).
        """
        smaller = self._smaller_group
        if smaller is None or smaller >= FEWEST_IF_RATIO_VARIES or spread <= VARIED_SPREAD:
            return ""
        return (
            f"With {smaller} people in the smaller group and a ratio of the groups' standard deviations that differs "
            f"over the brain (by a factor of {math.exp(spread):.1f} up and down), the level does not hold for the "
            "maximum of many voxels: nothing is claimed of the whole brain."
        )

    @property
    def _smaller_group(self) -> int | None:
        """People in the smaller of two groups of unequal variance; None for another question."""
        if not self.second_group:
            return None
        return smaller_group(np.array(self.columns[self.second_group]) > 0)

    @property
    def words(self) -> str:
        """Name of the test."""
        weighed = tuple(dict.fromkeys(name for row in (self.weights, *self.several) for name in row))
        single = {name for name, column in self.columns.items() if self.blocks and self._singles_out(column)}
        others = [name for name in self.columns if name not in {*weighed, *single, "intercept"}]
        beside = f", beside {', '.join(others)}" if others else ""
        if self.several:
            kind = "repeated measures" if self.blocks else "analysis of variance"
            return f"{kind}, F of {', '.join(weighed)}{beside}"
        if self.second_group:
            return f"two groups, unequal variances (Welch): {', '.join(weighed)}{beside}"
        if weighed == ("intercept",):
            return f"one-sample t{beside}"
        return f"linear model, t of {', '.join(weighed)}{beside}"

    def _singles_out(self, column: Sequence[float]) -> bool:
        """Whether a column is of one participant."""
        return len({block for block, value in zip(self.blocks, column, strict=True) if value}) == 1


def write_design(design: Design, second_group: str = "") -> WrittenDesign:
    """Turn a design into plain numbers."""
    rows = tuple(
        {name: float(weight) for name, weight in zip(design.columns, row, strict=True) if weight}
        for row in np.atleast_2d(design.contrast)
    )
    columns = {
        name: tuple(map(float, column)) for name, column in zip(design.columns, design.matrix.T, strict=True)
    }
    if design.n_tested:
        return WrittenDesign(columns, {}, several=rows, blocks=design.blocks)
    return WrittenDesign(columns, rows[0], second_group, blocks=design.blocks)


class Terms(NamedTuple):
    """Files of each row that are added and taken away; of k terms, row i has the files i, n + i, 2 n + i ...

    The sum is divided by `divisor`, as a mean of runs or of conditions is; or it is taken in percent of what is added
    or removed.
    """

    added: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()
    divisor: int = 1
    percent_of: Literal["", "added", "removed"] = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return self.added + self.removed

    def combine(self, added: FloatArray, removed: FloatArray) -> FloatArray:
        """Values of rows from the sums of both sides; NaN where a percentage would be of nothing."""
        if not self.percent_of:
            return np.asarray((added - removed) / self.divisor)
        base = added if self.percent_of == "added" else removed
        return np.asarray(100 * (added - removed) / np.where(base > 0, base, np.nan))


class Protocols(NamedTuple):
    """Calibration tables of the scans behind each row, and which contrast of each table is meant.

    Attributes
    ----------
    tables
        As in `Terms`; empty where scans have none.
    contrasts
        Names of the contrast in the tables that are added, and in those that are taken away.
    """

    tables: Terms = Terms()
    contrasts: tuple[str, str] = ("", "")


NO_PROTOCOLS = Protocols()


class Missing(NamedTuple):
    """A scan that one comparison leaves out, and why."""

    label: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """One question to a set of maps.

    Attributes
    ----------
    model, name
        Values of `model-` and `contrast-`.
    title, question
        For people: a heading, and one sentence that says what positive means.
    quantity
        What the maps hold, "change of BP_ND".
    directions
        What clusters of positive and of negative effect are called.
    labels
        The scans, in the order of everything else.
    maps
        What each row's map is made of.
    binding
        Maps whose mean limits the mask; those that are not there are passed over.
    tables
        Tables of a-priori regions that each row's values are made of; empty when they come from the maps.
    design
        The test.
    trait, trait_words
        Column whose slope is tested, and what people call it; empty for other questions.
    dropped
        Scans of this kind that lack a value or the other of a pair.
    family
        What kind of question it is.
    expected
        Sign of the effect that was expected before looking, which makes its claims one-tailed; 0 for either.
    protocols
        What says how the protocol itself changes the maps; empty for what it cannot change.
    notes
        Doubts about the design, in sentences.
    scans
        Names of two scans of one parameter whose difference the rows are; None for other rows.
    """

    model: str
    name: str
    title: str
    question: str
    quantity: str
    directions: tuple[str, str]
    labels: tuple[str, ...]
    maps: Terms
    binding: tuple[Path, ...]
    tables: Terms
    design: WrittenDesign
    trait: str = ""
    trait_words: str = ""
    dropped: tuple[Missing, ...] = ()
    family: Family = "model"
    expected: int = 0
    protocols: Protocols = NO_PROTOCOLS
    notes: tuple[str, ...] = ()
    scans: tuple[str, str] | None = None

    @property
    def label(self) -> str:
        """The quantity as figures write it."""
        return self.quantity.replace("BP_ND", "$BP_{ND}$")

    @property
    def directed(self) -> WrittenDesign:
        """The design whose upper tail is the expected one."""
        return self.design.towards(self.expected)

    @property
    def movers(self) -> tuple[tuple[str, int], ...]:
        """Who each row is of, and which of this person's rows it is: rearrangements move them in all questions.

        Rows of one participant that move together count as one.
        """
        if self.design.blocks:
            return tuple((label.partition("_")[0], 0) for label in self.labels)
        seen: Counter[str] = Counter()
        movers = []
        for label in self.labels:
            person = label.partition("_")[0]
            movers.append((person, seen[person]))
            seen[person] += 1
        return tuple(movers)


def sum_terms(
    terms: Terms, added: Sequence[FloatArray], removed: Sequence[FloatArray], n_rows: int
) -> FloatArray:
    """(n_rows, n) values of each row from those of its files, (n,) each, in the order of the terms."""
    shape = (-1, n_rows, len(added[0]))
    sides = [np.reshape(np.array(values), shape).sum(axis=0) for values in (added, removed)]
    return terms.combine(*sides)


def is_reference(first: str, second: str) -> bool:
    """Whether the first of two scans is what the other is compared with: by its name, else because it comes first."""
    return first.lower() in REFERENCES or second.lower() not in REFERENCES
