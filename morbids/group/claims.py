"""The claims of a group page: one record, from which its sentences, marks, outlines, tables and JSON are made.

What may be claimed is fixed before looking: the a-priori regions, and the whole brain by the first method of
`--inference`, of every question of the page; all of them are one family (see `numerics.statistics.claims`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import read_table
from morbids.group.bias import NullRange, NullRanges, find_null_ranges
from morbids.group.comparison import Comparison
from morbids.group.comparison import Family as ComparisonFamily
from morbids.group.locate import Found, Located, Reach, locate
from morbids.group.steps.evidence import MAP
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.claims import (
    Family,
    Tail,
    count_smaller,
    describe_tail,
    height_of_p,
    judge_by_holm,
    judge_jointly,
    share_error,
)
from morbids.numerics.statistics.methods import ALPHA, Inference, MaximumOf

# The question that such a study is made for has half of the error; the other kinds of question share the rest.
FIRST_FAMILY = "change"
# Mean skewness of residuals beyond which flips hold no level over many voxels: `python -m benchmarks skewness`.
TOO_SKEWED = 0.35
Rule = Literal["joint rearrangements", "Holm"]


class RegionClaim(NamedTuple):
    """Test of a region: effect with interval, own p, p in the family, and what the protocol alone reads there.

    `page_low` and `page_high` are the interval that holds for all tests of the page at once. A question of F has `f`
    and neither effect, intervals nor t (NaN).
    """

    name: str
    label: str
    n: int
    effect: float
    ci_low: float
    ci_high: float
    t: float
    p: float
    p_page: float
    null: NullRange | None
    f: float = float("nan")
    page_low: float = float("nan")
    page_high: float = float("nan")

    @property
    def claimed(self) -> bool:
        """Whether it passes."""
        return self.p_page <= ALPHA

    @property
    def could_be_protocol(self) -> bool:
        """Whether the protocol alone could read this: it was claimed as one of many tests, and is compared as one."""
        return self.null is not None and self.null.explains(self.page_low, self.page_high)


class MapClaim(NamedTuple):
    """Test of the whole brain: its own p (all voxels of this contrast), p in the family, and where it passes.

    Attributes
    ----------
    critical
        Value of the statistic that passes; infinite when none can.
    located
        Claimed clusters and voxels.
    """

    statistic: MaximumOf | Literal["p"]
    p: float
    p_page: float
    critical: float
    located: Located = Located()

    @property
    def claimed(self) -> bool:
        """Whether it passes."""
        return self.p_page <= ALPHA


@dataclass(frozen=True)
class QuestionClaims:
    """Everything that is tested of one question.

    Attributes
    ----------
    comparison
        The question.
    regions, brain
        Tests; no brain where its method makes no test.
    smallest_p
        The smallest that rearranging can give.
    skewness
        Of the residuals, mean over the brain; None where it does not matter.
    why_no_brain
        Why nothing may be claimed of the whole brain of two groups; empty where it may.
    """

    comparison: Comparison
    regions: tuple[RegionClaim, ...]
    brain: MapClaim | None
    smallest_p: float
    skewness: float | None
    why_no_brain: str = ""

    @property
    def too_skewed(self) -> bool:
        """Whether nothing may be claimed of the whole brain, as errors are far from symmetric."""
        return self.skewness is not None and abs(self.skewness) > TOO_SKEWED

    @property
    def claimed(self) -> bool:
        """Whether anything passes."""
        return bool(self.claimed_regions) or (self.brain is not None and self.brain.claimed)

    @property
    def p_of_regions(self) -> dict[str, float]:
        """Corrected p by region."""
        return {region.name: region.p_page for region in self.regions}

    @property
    def could_be_protocol(self) -> bool | None:
        """Whether the protocol alone could read something that is claimed; None where that is not known."""
        known = [region.could_be_protocol for region in self.claimed_regions if region.null is not None]
        if self.brain is not None:
            marks = (place.could_be_protocol for place in self.brain.located.places)
            known += [mark for mark in marks if mark is not None]
        return any(known) if known else None

    @property
    def claimed_regions(self) -> tuple[RegionClaim, ...]:
        """Regions that pass."""
        return tuple(region for region in self.regions if region.claimed)


@dataclass(frozen=True)
class Claims:
    """The record.

    Attributes
    ----------
    rule
        How the family is judged.
    method
        What searches the brain.
    n_rearrangements
        Joint ones.
    questions
        In the order of the page; questions whose tests failed are not among them.
    """

    rule: Rule
    method: Inference
    n_rearrangements: int
    questions: tuple[QuestionClaims, ...]

    @property
    def n_region_tests(self) -> int:
        """Tests of regions in the family."""
        return sum(bool(np.isfinite(region.p_page)) for one in self.questions for region in one.regions)

    @property
    def n_map_tests(self) -> int:
        """Tests of the whole brain in the family."""
        return sum(one.brain is not None and bool(np.isfinite(one.brain.p_page)) for one in self.questions)

    @property
    def families(self) -> tuple[ComparisonFamily, ...]:
        """Kinds of question."""
        return tuple(dict.fromkeys(one.comparison.family for one in self.questions))

    def of(self, comparison: Comparison) -> QuestionClaims | None:
        """Claims of one question; None when its test failed."""
        return next((one for one in self.questions if one.comparison == comparison), None)


class _Tests(NamedTuple):
    """All tests of the page: regions of every question, then the maps."""

    scores: FloatArray
    shares: FloatArray
    is_map: BoolArray
    n_regions: tuple[int, ...]
    tails: tuple[Tail | None, ...]


def judge_claims(found: Sequence[Found], method: Inference) -> Claims:
    """Judge every test of every question as one family.

    By joint rearrangements; where the method of the brain makes none, by Holm's correction of its p and of the p of
    regions by rearrangement. So few maps that no rearrangement reaches the level can claim nothing either way.
    """
    if not found:
        return Claims("Holm", method, 0, ())
    joint = all("MapStatistic" in one.facts for one in found)
    rule: Rule = "joint rearrangements" if joint else "Holm"
    tests = _lay_out(found, method, joint=joint)
    family = (
        judge_jointly(tests.scores / tests.shares, tests.is_map, ALPHA)
        if joint
        else judge_by_holm(tests.scores[0], tests.shares, ALPHA)
    )
    questions = [_question(one, place, tests, family, method) for place, one in enumerate(found)]
    n_rearrangements = int(found[0].facts["Rearrangements"]) if joint else 0
    return Claims(rule, method, n_rearrangements, tuple(questions))


def _lay_out(found: Sequence[Found], method: Inference, *, joint: bool) -> _Tests:
    """Columns of scores, one per test, and the share of each."""
    families = [one.comparison.family for one in found]
    n_others = max(len(set(families) - {FIRST_FAMILY}), 1)
    of_family = [n_others if family == FIRST_FAMILY else 1 for family in families]
    regions, maps, tails = [], [], []
    for one in found:
        table = read_table(one.evidence)
        barred = bool(one.comparison.design.why_no_claim)
        columns = table.drop(columns=MAP, errors="ignore").to_numpy(dtype=float)
        columns = np.full_like(columns, np.nan) if barred else columns
        regions.append(columns if joint else count_smaller(columns)[None])
        maxima, squares = table.get(MAP), bool(one.comparison.design.several)
        tail = (
            describe_tail(maxima.to_numpy(dtype=float), one.facts["MapStatistic"], of_squares=squares)
            if joint and maxima is not None and not _bars_map(one)
            else None
        )
        tails.append(tail)
        if _bars_map(one):
            maps.append(np.full(len(table) if joint else 1, np.nan))
        else:
            maps.append(tail.p(table[MAP].to_numpy(dtype=float)) if tail else np.array([_own_p(one, method)]))
    counts = tuple(columns.shape[1] for columns in regions)
    parts = [(f"regions {family}", count) for family, count in zip(families, counts, strict=True)]
    parts += [(f"maps {family}", 1) for family in families]
    shares = share_error(parts, [*of_family, *of_family])
    scores = np.concatenate([*regions, *(values[:, None] for values in maps)], axis=1)
    is_map = np.arange(scores.shape[1]) >= sum(counts)
    return _Tests(scores, shares, is_map, counts, tuple(tails))


def _bars_map(one: Found) -> bool:
    """Whether nothing may be claimed of the whole brain: the level would not hold."""
    too_skewed = abs(one.summary.get("Skewness", 0.0)) > TOO_SKEWED
    return too_skewed or bool(one.comparison.design.why_no_claim or _why_no_brain(one))


def _why_no_brain(one: Found) -> str:
    return one.comparison.design.why_no_brain(one.summary.get("StandardDeviationRatioSpread", 0.0))


def _own_p(one: Found, method: Inference) -> float:
    """Smallest corrected p of the contrast's own map; NaN when the method could not be used."""
    told = [test["SmallestP"] for test in one.summary["Tests"] if test["Method"] == method]
    return float("nan") if not told or told[0] is None else float(told[0])


def _question(one: Found, place: int, tests: _Tests, family: Family, method: Inference) -> QuestionClaims:
    start = sum(tests.n_regions[:place])
    own = slice(start, start + tests.n_regions[place])
    on_map = sum(tests.n_regions) + place
    null = find_null_ranges(one.comparison)
    # Rearrangements of what holds an effect say little of how tests go together without it: Bonferroni's inequality.
    levels = ALPHA * tests.shares[own]
    regions = _regions(one, tests.scores[0, own], family.p[own], levels, null)
    return QuestionClaims(
        one.comparison,
        regions,
        _brain(one, tests, family, on_map, method),
        float(one.facts["SmallestPossibleP"]),
        one.summary.get("Skewness"),
        _why_no_brain(one),
    )


def _regions(
    one: Found, p: FloatArray, p_page: FloatArray, levels: FloatArray, null: NullRanges | None
) -> tuple[RegionClaim, ...]:
    baseline = one.facts.get("Baseline", {})
    percent = one.comparison.quantity.endswith("(%)")
    claims = []
    lines = read_table(one.regions).to_dict("records")
    for line, own, page, level in zip(lines, p, p_page, levels, strict=True):
        at = 100.0 if percent else baseline.get(line["name"], float("nan"))
        here = null.of(str(line["name"])).scaled(at) if null is not None and np.isfinite(at) else None
        effect, low, high, t, f = (
            float(line.get(name, np.nan)) for name in ("effect", "ci_low", "ci_high", "t", "f")
        )
        name, label, n = str(line["name"]), str(line["label"]), int(line["n"])
        reach = line.get("standard_error", np.nan) * height_of_p(level, line["df"], two_tailed=one.two_tailed)
        page_wide = effect - reach, effect + reach
        tested = effect, low, high, t, float(own), float(page)
        claims.append(RegionClaim(name, label, n, *tested, here, f, *page_wide))
    return tuple(claims)


def _brain(one: Found, tests: _Tests, family: Family, place: int, method: Inference) -> MapClaim:
    """The test of the map, and where it passes."""
    tail = tests.tails[place - sum(tests.n_regions)]
    p_page = float(family.p[place])
    threshold = 0.0 if _bars_map(one) else family.critical * float(tests.shares[place])
    statistic: MaximumOf | Literal["p"] = "p"
    own, critical = float(tests.scores[0, place]), threshold
    if tail is not None:
        statistic, critical = one.facts["MapStatistic"], tail.height(threshold)
        values = read_table(one.evidence)[MAP].to_numpy(dtype=float)
        own = float((values >= values[0] * (1 - 1e-5)).mean())
    passes = p_page <= ALPHA
    level = ALPHA * float(tests.shares[place])
    height = tail.height(level) if tail is not None and statistic == "t" else None
    null = find_null_ranges(one.comparison)
    located = locate(one, method, critical, null, Reach(level, height)) if passes else Located()
    return MapClaim(statistic, own, p_page, critical, located)


def tabulate(claims: Claims) -> pd.DataFrame:
    """Every test of the family, a row each."""
    rows: list[dict[str, Any]] = []
    for one in claims.questions:
        shared = {"contrast": one.comparison.name, "family": one.comparison.family}
        for region in one.regions:
            values = region._asdict()
            null = values.pop("null")
            rows.append(
                shared | {"test": "region"} | values | _told(null, region) | {"claimed": region.claimed}
            )
        if one.brain is not None:
            brain = {"test": "map", "name": one.brain.statistic, "label": "Whole brain"}
            numbers = {"p": one.brain.p, "p_page": one.brain.p_page, "claimed": one.brain.claimed}
            rows.append(shared | brain | numbers | {"protocol": _of_places(one.brain)})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["claimed"] = table["claimed"].map({True: "yes", False: "no"})
    return table


COLUMNS = {
    "contrast": ("Value of contrast-", ""),
    "family": ("Kind of question", ""),
    "test": ("`region`, or `map`: the whole brain", ""),
    "name": ("Region, or statistic of the map", ""),
    "label": ("Its name for people", ""),
    "n": ("Rows with a value", ""),
    "effect": ("Contrast of the means or slope, in the unit of the values", ""),
    "ci_low": ("Lower end of the 95 % confidence interval", ""),
    "ci_high": ("Upper end of the 95 % confidence interval", ""),
    "page_low": ("Lower end of the interval that holds for all tests of the page at once (95 %)", ""),
    "page_high": ("Its upper end", ""),
    "t": ("Statistic of a question of one contrast", ""),
    "f": ("Statistic of a question of several contrasts at once", ""),
    "p": ("Own p: of a region uncorrected, of a map corrected for the voxels of this contrast", ""),
    "p_page": ("p corrected for all tests of the page", ""),
    "claimed": ("`yes` where that is at most .05", ""),
    "protocol_low": ("Lowest that the protocol alone reads, in the unit of the values", ""),
    "protocol_high": ("Highest that the protocol alone reads", ""),
    "protocol": (
        "`outside` that range with the interval of all tests, or `could be the protocol`; n/a: not known",
        "",
    ),
}
COULD_BE, OUTSIDE = "could be the protocol", "outside"


def _told(null: NullRange | None, region: RegionClaim) -> dict[str, Any]:
    if null is None:
        return {}
    word = COULD_BE if region.could_be_protocol else OUTSIDE
    return {"protocol_low": null.low, "protocol_high": null.high, "protocol": word}


def _of_places(brain: MapClaim) -> str | None:
    known = [place.could_be_protocol for place in brain.located.places if place.could_be_protocol is not None]
    return (COULD_BE if any(known) else OUTSIDE) if known else None
