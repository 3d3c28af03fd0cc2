"""The record of claims: from what tests left on disk to what is claimed, marked and said."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from morbids.bids.tables import read_table, write_table
from morbids.group import sentences
from morbids.group.bias import NullRange
from morbids.group.claims import Claims, judge_claims, tabulate
from morbids.group.comparison import Comparison, Family, Terms, write_design
from morbids.group.locate import Found, Located
from morbids.group.steps.regions import COLUMNS
from morbids.numerics.statistics.designs import one_sample, regression, two_sample
from morbids.numerics.statistics.methods import ALPHA, Inference
from tests.group.group_maps import make_brain, save

N, N_NULL = 12, 399
REGIONS = ("PAG", "Amygdala")
LABELS = tuple(f"sub-{n:02d}" for n in range(N))


def make_comparison(name: str, family: Family = "change") -> Comparison:
    return Comparison(
        "differences", name, f"{name}: a − b", "?", "change of BP_ND", ("activation", "deactivation"), LABELS,
        Terms(), (), Terms(), write_design(one_sample(N)), family=family,
    )  # fmt: skip


def make_found(
    folder: Path, name: str, p: tuple[float, float], maximum: float, family: Family = "change", **facts: Any
) -> Found:
    """Evidence with a known first row; p of regions uniform and maxima around 5 in the others."""
    own = folder / name
    own.mkdir()
    rng = np.random.default_rng(len(name))
    table = pd.DataFrame(rng.uniform(size=(1 + N_NULL, 2)), columns=list(REGIONS))
    table.insert(0, "map", rng.gumbel(5.0, 0.4, 1 + N_NULL))
    table.iloc[0] = [maximum, *p]
    write_table(table, own / "evidence.tsv")
    effects = {"effect": (0.3, -0.1), "ci_low": (0.2, -0.2), "ci_high": (0.4, 0.0), "t": (6.0, -2.0)}
    errors = {"standard_error": (0.05, 0.05), "df": (N - 1, N - 1)}
    regions = pd.DataFrame(
        {column: [0.0, 0.0] for column in COLUMNS} | effects | errors | {"p": p, "n": [N, N]}
    )
    regions["name"], regions["label"] = REGIONS, REGIONS
    write_table(regions, own / "regions.tsv")
    brain = make_brain(own)
    t = save(np.where(brain.active, maximum, 0.5), own / "t.nii.gz")
    maps = {"t": t, "clusters": save(brain.active.astype(float), own / "clusters.nii.gz")}
    peak = {"x_mm": 9.0, "y_mm": 9.0, "z_mm": 3.0, "effect": 0.3, "t": maximum}
    cluster = {"cluster": 1, "direction": "activation", "AAL": "Thalamus_L", **peak}
    write_table(pd.DataFrame([cluster]), own / "clusters.tsv")
    told = {
        "SmallestPossibleP": 1 / (1 + N_NULL),
        "Rearrangements": N_NULL,
        "MapStatistic": "t",
        "Baseline": {},
    }
    summary = {"Statistic": "t", "ClusterFormingHeight": 4.0, "DegreesOfFreedom": N - 1}
    summary["Tests"] = [{"Method": "max-t", "SmallestP": 0.5}]
    return Found(
        make_comparison(name, family), own / "evidence.tsv", told | facts, own / "regions.tsv", maps, brain.mask,
        own / "clusters.tsv", summary,
    )  # fmt: skip


@pytest.fixture
def claims(tmp_path: Path) -> Claims:
    found = [
        make_found(tmp_path, "first", (1e-6, 0.3), 9.0),
        make_found(tmp_path, "second", (0.5, 0.2), 5.0),
        make_found(tmp_path, "slope", (0.5, 0.02), 5.0, "trait"),
    ]
    return judge_claims(found, "max-t")


def test_what_is_striking_is_claimed_and_the_rest_is_not(claims: Claims) -> None:
    first, second, slope = claims.questions
    assert [region.name for region in first.claimed_regions] == ["PAG"]
    assert first.brain is not None
    assert first.brain.claimed
    assert 6 < first.brain.critical < 9
    assert [place.label for place in first.brain.located.places] == ["Thalamus L"]
    assert not second.claimed
    assert not slope.claimed, "p .02 of one region of nine tests"
    assert (claims.n_region_tests, claims.n_map_tests, claims.families) == (6, 3, ("change", "trait"))


def test_sentences_are_made_of_the_record(claims: Claims) -> None:
    first, second, _ = claims.questions
    assert sentences.say_finding(first) == (
        "Activation in PAG; whole brain: 1 cluster (activation) (p ≤ 0.05 over all tests of the page)."
    )
    assert sentences.say_finding(second).startswith("Nothing is claimed")
    assert "3 questions of 2 kinds" in sentences.say_family(claims)
    assert "6 tests of a-priori regions and 3 of the whole brain" in sentences.say_family(claims)
    assert "one family of 9 tests" in sentences.say_family(claims)
    told = sentences.describe(claims)
    assert told["Contrasts"][0]["ClaimedRegions"] == ["PAG"]
    assert sentences.say_finding(None) == "The test failed; see above."
    assert sentences.outline_of(first.brain).startswith("claimed: |t| ≥ ")


def test_the_level_rests_on_what_is_rearranged(claims: Claims) -> None:
    assert (
        "a page without any effect or bias claims something with probability 0.05 at most, given errors that are "
        "symmetric about 0 (signs are flipped); regions"
    ) in sentences.say_family(claims)
    slope = claims.questions[2]
    by_order = write_design(regression(np.arange(N, dtype=float), "age"))
    mixed = replace(slope, comparison=replace(slope.comparison, design=by_order))
    told = sentences.say_family(replace(claims, questions=(*claims.questions[:2], mixed), method="fdr"))
    assert "flipped) and exchangeable between people (their order is changed), and as far as false" in told


def test_an_interval_for_all_tests_is_of_the_share_that_a_test_has(claims: Claims) -> None:
    """Of changes and one slope, regions of changes have a quarter of the error, for two questions of two regions."""
    region = claims.questions[0].regions[0]
    width = stats.t.isf(0.05 / 4 / 4 / 2, N - 1) * 0.05
    assert (region.page_low, region.page_high) == pytest.approx((0.3 - width, 0.3 + width))
    assert tabulate(claims).loc[0, "page_low"] == pytest.approx(region.page_low)


def test_every_test_is_a_row_with_both_p(claims: Claims) -> None:
    table = tabulate(claims)
    assert list(table["claimed"]) == ["yes", "no", "yes", *["no"] * 6]
    assert (table["p_page"] >= table["p"]).all()


def test_an_effect_that_the_protocol_could_read_is_marked(claims: Claims) -> None:
    first = claims.questions[0]
    region = first.regions[0]._replace(null=NullRange(-0.1, 0.15))
    assert region.page_low < 0.15 < region.ci_low, "one of nine tests has a wider interval than one alone"
    marked = replace(first, regions=(region, first.regions[1]), brain=None)
    assert marked.could_be_protocol
    assert "Could be the protocol: all of it." in sentences.say_finding(marked)
    assert sentences.say_null(region) == "could be the protocol"
    outside = replace(marked, regions=(region._replace(null=NullRange(-0.1, 0.05)), first.regions[1]))
    assert outside.could_be_protocol is False
    assert "protocol" not in sentences.say_finding(outside)
    assert str(sentences.say_protocol_alone(marked)).endswith(": what is claimed could be the protocol")
    assert str(sentences.say_protocol_alone(outside)).endswith(": what is claimed lies outside")
    both = replace(outside, regions=(outside.regions[0], region._replace(label="Amygdala", p_page=0.02)))
    assert str(sentences.say_protocol_alone(both)).endswith(": Amygdala could be the protocol")
    assert "Could be the protocol: Amygdala." in sentences.say_finding(both)
    assert first.could_be_protocol is None


def test_a_sentence_counts_what_it_does_not_name(claims: Claims) -> None:
    first = claims.questions[0]
    assert first.brain is not None
    (place,) = first.brain.located.places
    places = tuple(place._replace(cluster=n, could_be_protocol=True) for n in range(1, 10))
    many = replace(first, brain=first.brain._replace(located=Located(places)))
    # PAG is not marked, so that not all of it could be the protocol.
    said = sentences.say_finding(many)
    assert "Could be the protocol: cluster 1, Thalamus L, cluster 2" in said
    assert said.endswith("cluster 6, Thalamus L and 3 more.")
    few = replace(first, brain=first.brain._replace(located=Located(places[:6])))
    assert sentences.say_finding(few).endswith("cluster 5, Thalamus L and cluster 6, Thalamus L.")


@pytest.mark.parametrize("method", ["max-t", "fdr"])
def test_few_maps_claim_nothing_whatever_their_t(tmp_path: Path, method: Inference) -> None:
    """Four maps have eight sign patterns: .125 at best, even where t alone says .00001."""
    found = make_found(tmp_path, "few", (1e-5, 0.3), 9.0, SmallestPossibleP=0.125)
    table = read_table(found.evidence)
    patterns = np.random.default_rng(0).integers(0, 8, len(table))
    patterns[0] = 0
    write_table(table.iloc[patterns], found.evidence)
    if method == "fdr":
        found.summary["Tests"][0]["Method"] = "fdr"
        del found.facts["MapStatistic"]  # type: ignore[attr-defined]
    claims = judge_claims([found], method)
    (question,) = claims.questions
    assert not question.claimed
    assert question.regions[0].p_page == pytest.approx(0.125 if method == "max-t" else 0.5, abs=0.1)
    assert "p = 0.12 at best" in sentences.say_limits(question)
    assert "nothing can be claimed" in sentences.say_finding(question)


def test_a_method_without_rearrangements_is_judged_by_holm(tmp_path: Path) -> None:
    found = make_found(tmp_path, "fdr", (1e-5, 0.3), 9.0)
    found = found._replace(summary=dict(found.summary) | {"Tests": [{"Method": "fdr", "SmallestP": None}]})
    facts = {name: value for name, value in found.facts.items() if name != "MapStatistic"}
    claims = judge_claims([found._replace(facts=facts)], "fdr")
    assert claims.rule == "Holm"
    assert claims.n_map_tests == 0
    assert [region.name for region in claims.questions[0].claimed_regions] == ["PAG"]


def test_skewed_maps_are_warned_of(claims: Claims) -> None:
    question = claims.questions[0]
    assert sentences.say_skewness(question) == ""
    assert "mean skewness 0.80" in sentences.say_skewness(replace(question, skewness=0.8))
    assert sentences.say_skewness(replace(question, skewness=-0.05)) == ""


def test_maps_far_from_symmetric_claim_nothing_of_the_brain_but_regions(tmp_path: Path) -> None:
    """At skewness 2 flips are false in a third of studies of the brain, as a region's test they nearly hold."""
    found = make_found(tmp_path, "skewed", (1e-6, 0.3), 9.0)
    (skewed,) = judge_claims([found._replace(summary={**found.summary, "Skewness": -0.8})], "max-t").questions
    (mild,) = judge_claims([found._replace(summary={**found.summary, "Skewness": 0.3})], "max-t").questions
    assert [region.name for region in skewed.claimed_regions] == ["PAG"]
    assert skewed.brain is not None
    assert not skewed.brain.claimed
    assert "Nothing is claimed of the whole brain" in sentences.say_skewness(skewed)
    assert sentences.outline_of(skewed.brain) == "claimed: nothing can be"
    assert mild.brain is not None
    assert mild.brain.claimed
    assert "Nothing" not in sentences.say_skewness(mild)


@pytest.mark.parametrize(("n_first", "spread", "barred"), [(4, 0.6, True), (4, 0.3, False), (9, 0.6, False)])
def test_small_groups_whose_ratio_of_variances_differs_claim_nothing_of_the_brain(
    tmp_path: Path, n_first: int, spread: float, barred: bool
) -> None:
    found = make_found(tmp_path, "groups", (1e-5, 0.3), 9.0)
    second = np.arange(18) >= n_first
    design = write_design(two_sample(second, names=("a", "b"), equal_variances=False), "b")
    told = dict(found.summary) | {"StandardDeviationRatioSpread": spread}
    (question,) = judge_claims(
        [found._replace(summary=told, comparison=replace(found.comparison, design=design))], "max-t"
    ).questions
    assert question.brain is not None
    assert question.brain.claimed is not barred
    assert [region.name for region in question.claimed_regions] == ["PAG"]
    warning = "ratio of the groups' standard deviations that differs over the brain (by a factor of 1.8 up and down)"
    assert (warning in sentences.say_warning(question)) is barred


def test_no_test_makes_no_claim() -> None:
    assert judge_claims([], "max-t").questions == ()
    assert Located().signs.size == 0
    assert ALPHA == 0.05
