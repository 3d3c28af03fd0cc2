"""From the steps of a comparison to what is claimed of it: what few people can say."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.bids.tables import read_table, write_table
from morbids.group.claims import QuestionClaims, judge_claims
from morbids.group.comparison import Comparison, Terms, WrittenDesign, write_design
from morbids.group.locate import Found
from morbids.group.sentences import outline_of, say_finding
from morbids.group.steps.evidence import Baselines, Claiming, gather_evidence
from morbids.group.steps.permutations import Heights, permute, plan_tests
from morbids.group.steps.regions import SCAN, compare_regions
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import one_sample, two_sample
from morbids.numerics.statistics.methods import Inference
from morbids.numerics.statistics.plan import People
from tests.group.group_maps import make_brain, save

N_REARRANGEMENTS = 199


def judge(
    folder: Path, design: WrittenDesign, regions: dict[str, FloatArray], method: Inference
) -> QuestionClaims:
    """Test regions and a map without effect as the graph does, and judge them as the page does."""
    n = len(next(iter(regions.values())))
    brain = make_brain(folder)
    maps = folder / "maps.npy"
    np.save(maps, np.random.default_rng(2).standard_normal((n, int(brain.inside.sum())), dtype=np.float32))
    table = pd.DataFrame({SCAN: [f"sub-{row}" for row in range(n)], **regions})
    write_table(table, folder / "values.tsv")
    people, heights = People(range(n), n), Heights(0.001)
    tests = plan_tests(design, (method,), N_REARRANGEMENTS, 0, 0.0, people, 0)
    maxima = []
    for test in tests:
        for piece in test.plan.pieces(1):
            own = folder / test.label
            own.mkdir()
            maxima.append(permute(maps, brain.mask, design, test, piece, heights, own).maxima)
    claiming = Claiming(design, 0, tests, method, people, N_REARRANGEMENTS, 0, heights)
    evidence = gather_evidence(
        folder / "values.tsv", maps, brain.mask, maxima, claiming, Baselines((), ()), False, folder
    )
    tested = compare_regions(folder / "values.tsv", design, False, folder).tests
    comparison = Comparison(
        "differences", "few", "few", "?", "change of BP_ND", ("activation", "deactivation"),
        tuple(table[SCAN]), Terms(), (), Terms(), design,
    )  # fmt: skip
    clusters = folder / "clusters.nii.gz"
    found = Found(
        comparison, evidence.table, evidence.facts, tested, {"clusters": save(brain.inside * 0.0, clusters)},
        brain.mask, folder / "none.tsv", {"Tests": [{"Method": method, "SmallestP": 0.9}], "Statistic": "t"},
    )  # fmt: skip
    (question,) = judge_claims([found], method).questions
    return question


@pytest.mark.parametrize("method", ["max-t", "fdr"])
@pytest.mark.parametrize("n", [3, 4, 5])
def test_a_region_of_few_people_is_not_claimed_by_its_t_alone(
    n: int, method: Inference, tmp_path: Path
) -> None:
    values = 1 + 1e-3 * np.arange(float(n))
    question = judge(tmp_path, write_design(one_sample(n)), {"PAG": values}, method)
    (region,) = question.regions
    assert read_table(tmp_path / "tests.tsv")["p"][0] < 1e-5
    assert question.smallest_p == 2 ** (1 - n)
    assert region.p_page > 0.05
    assert not question.claimed


@pytest.mark.parametrize("method", ["max-t", "fdr"])
def test_a_region_that_few_of_many_people_have_is_not_claimed_either(
    method: Inference, tmp_path: Path
) -> None:
    values = 1 + 1e-3 * np.arange(12.0)
    rare = np.where(np.arange(12) < 4, values, np.nan)
    question = judge(tmp_path, write_design(one_sample(12)), {"Known": values, "Rare": rare}, method)
    known, few = question.regions
    assert question.smallest_p < 0.05
    assert known.claimed
    assert few.n == 4
    assert not few.claimed


@pytest.mark.parametrize("method", ["max-t", "fdr"])
def test_a_group_of_three_claims_nothing_with_a_variance_of_its_own(
    method: Inference, tmp_path: Path
) -> None:
    """Signs of its three maps are four patterns, and their variance is nearly a guess."""
    second = np.arange(15) >= 3
    values = 5.0 * second + 1e-3 * np.arange(15.0)
    apart = two_sample(second, names=("a", "b"), equal_variances=False)
    question = judge(tmp_path, write_design(apart, "b"), {"PAG": values}, method)
    assert not question.claimed
    assert question.brain is not None
    assert np.isnan([question.regions[0].p_page, question.brain.p_page]).all()
    assert say_finding(question).endswith(
        "The smaller group has 3 people: with unequal variances the level does not hold below 4, so that nothing can "
        "be claimed. Where the groups vary alike, --equal-variances can."
    )
    assert outline_of(question.brain) == "claimed: nothing can be"
    (tmp_path / "pooled").mkdir()
    pooled = judge(tmp_path / "pooled", write_design(two_sample(second)), {"PAG": values}, method)
    assert pooled.regions[0].claimed


def test_a_region_that_three_of_a_group_have_is_not_claimed(tmp_path: Path) -> None:
    second = np.arange(16) >= 5
    values = 5.0 * second + 1e-3 * np.arange(16.0)
    regions = {"Known": values, "Rare": np.where(np.isin(np.arange(16), (0, 1)), np.nan, values)}
    design = two_sample(second, names=("a", "b"), equal_variances=False)
    known, rare = judge(tmp_path, write_design(design, "b"), regions, "max-t").regions
    assert known.claimed
    assert rare.n == 14
    assert np.isnan(rare.p_page)


def test_groups_of_three_and_three_claim_no_region(tmp_path: Path) -> None:
    second = np.arange(6) >= 3
    values = second + 1e-3 * np.arange(6.0)
    design = write_design(two_sample(second))
    question = judge(tmp_path, design, {"PAG": values}, "max-t")
    assert question.smallest_p == pytest.approx(0.1)
    assert not question.claimed
