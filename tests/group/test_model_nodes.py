"""Model files with nodes within participants: which maps a test is made of, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.formula.api as smf

from morbids.errors import MorbidsError
from morbids.group.comparison import sum_terms
from morbids.group.outputs import GroupOutputs
from morbids.group.page import say_source
from morbids.group.plan import GroupPlan, plan_group
from morbids.group.steps.maps import read_map
from morbids.numerics.statistics.designs import fit_design
from morbids.settings import GroupSettings, Study
from tests.bids.conftest import DatasetMaker
from tests.bids.test_maps import write_map
from tests.participant.studies import make_study

N = 6
GLM = {"Type": "glm", "X": [1]}
DUMMY = {"Test": "t"}
# The upper nodes of the walk-through of the specification, and of its examples of group models; their first node
# models time series, which a map does not have.
MEAN = {"Level": "Subject", "Name": "subject_level", "GroupBy": ["subject", "contrast"], "Model": GLM}
MEAN["DummyContrasts"] = DUMMY
ONE_SAMPLE = {"Level": "Dataset", "Name": "one-sample", "GroupBy": ["contrast"], "Model": GLM}
ONE_SAMPLE["DummyContrasts"] = DUMMY
PAIRED = {
    "Level": "Subject",
    "Name": "compare",
    "GroupBy": ["subject", "contrast"],
    "Transformations": {
        "Transformer": "pybids-transforms-v1",
        "Instructions": [{"Name": "Factor", "Input": ["session_id"]}],
    },
    "Model": {"Type": "glm", "X": ["session_id.*"]},
    "Contrasts": [
        {
            "Name": "test_gt_retest",
            "ConditionList": ["session_id.ses-test", "session_id.ses-retest"],
            "Weights": [1, -1],
            "Test": "t",
        }
    ],
}
BY_SEX = {
    "Level": "Dataset",
    "Name": "by sex",
    "GroupBy": ["contrast"],
    "Transformations": {
        "Transformer": "pybids-transforms-v1",
        "Instructions": [
            {"Name": "Factor", "Input": ["sex"]},
            {"Name": "Demean", "Input": ["age"], "Output": "age_dm"},
        ],
    },
    "Model": {"Type": "glm", "X": ["sex.M", "sex.F", "age_dm"]},
    "Contrasts": [{"Name": "f_gt_m", "ConditionList": ["sex.M", "sex.F"], "Weights": [-1, 1], "Test": "t"}],
}


@pytest.fixture
def study(dataset: DatasetMaker, tmp_path: Path) -> Study:
    """Six people with two sessions; the second has two runs, but for the last person."""
    rng = np.random.default_rng(4)
    for number in range(1, N + 1):
        for session, runs in (("test", "1"), ("retest", "12" if number < N else "1")):
            for run in runs:
                scan = {"sub": f"{number:02d}", "ses": session, "run": run}
                write_map(tmp_path / "maps", scan, desc="all", values=rng.uniform(1, 2, (4, 5, 6)))
    lines = "".join(f"sub-{n + 1:02d}\t{'FM'[n % 2]}\t{30 + n * n}\n" for n in range(N))
    dataset.text("participants.tsv", f"participant_id\tsex\tage\n{lines}")
    return replace(make_study(dataset.root.parent), derivatives=(tmp_path / "maps",))


def plan(study: Study, *nodes: dict[str, Any], edges: list[dict[str, Any]] | None = None) -> GroupPlan:
    model: dict[str, Any] = {"Name": "m", "BIDSModelVersion": "1.0.0", "Nodes": list(nodes)}
    path = study.output_dir.parent / "model.json"
    path.write_text(json.dumps(model | ({"Edges": edges} if edges else {})))
    return plan_group(study, GroupSettings(stats_model=path))


def test_a_paired_difference_beside_covariates_equals_statsmodels(study: Study) -> None:
    edges = [{"Source": "compare", "Destination": "by sex"}]
    made = plan(study, PAIRED, BY_SEX, edges=edges)
    (one,) = made.comparisons
    assert one.labels == tuple(f"sub-{n:02d}" for n in range(1, N + 1))
    added, removed = (
        [read_map(path).ravel() for path in files] for files in (one.maps.added, one.maps.removed)
    )
    values = sum_terms(one.maps, added, removed, N)
    lines = made.group.table.assign(values=[read_map(row.path).ravel()[7] for row in made.group.found.rows])
    means = lines.groupby(["participant_id", "session_id"])["values"].mean().unstack()
    people = lines.drop_duplicates("participant_id").set_index("participant_id")[["sex", "age"]]
    frame = people.assign(difference=means["ses-test"] - means["ses-retest"]).loc[list(one.labels)]
    np.testing.assert_allclose(values[:, 7], frame["difference"], rtol=1e-5, atol=1e-6)
    exact = frame["difference"].to_numpy(dtype=float)
    found = fit_design(exact[:, None], one.design.design)
    expected = smf.ols("difference ~ C(sex, Treatment('M')) + age", frame).fit()
    assert found.t[0] == pytest.approx(expected.tvalues.iloc[1], rel=1e-9)


def test_without_edges_nodes_follow_their_levels(study: Study) -> None:
    (one,) = plan(study, MEAN, ONE_SAMPLE).comparisons
    assert (one.name, len(one.labels), one.maps.removed) == ("oneSampleAllIntercept", N, ())
    written = [{"Source": "subject_level", "Destination": "one-sample"}]
    (same,) = plan(study, MEAN, ONE_SAMPLE, edges=written).comparisons
    assert same.maps == one.maps
    # Means of three maps and, of the last person, of two: files are repeated so that all have one divisor.
    assert one.maps.divisor == 6
    assert len(one.maps.added) == 6 * N


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"Level": "Run", "Model": {"Type": "glm", "X": ["gain", 1]}}, "Level 'Run' with X gain, 1 is not supported"),
        ({"Model": {"Type": "meta", "X": [1]}}, "'meta' is not supported. Use glm: the maps of a participant"),
        ({"Model": {"Type": "glm", "X": [1, "age"]}, "DummyContrasts": {"Test": "t", "Contrasts": ["age"]}},
         "'age' cannot be estimated"),
        ({"Model": {"Type": "glm", "X": [1, "run"]}, "DummyContrasts": {"Test": "t", "Contrasts": ["run"]}},
         "'run' holds text"),
    ],
)  # fmt: skip
def test_what_maps_of_a_person_cannot_tell_is_refused(
    study: Study, node: dict[str, Any], message: str
) -> None:
    with pytest.raises(MorbidsError, match=message):
        plan(study, MEAN | node, ONE_SAMPLE)


def test_weights_that_are_no_small_fractions_are_refused(study: Study) -> None:
    uneven = PAIRED | {"Contrasts": [PAIRED["Contrasts"][0] | {"Weights": [0.7318, -1]}]}  # type: ignore[index]
    with pytest.raises(MorbidsError, match="make no mean or difference that is the same sum in everyone"):
        plan(study, uneven, ONE_SAMPLE)


def test_two_maps_per_person_are_named_with_the_remedy(study: Study) -> None:
    with pytest.raises(MorbidsError, match="has 3 maps among the rows") as refused:
        plan(study, ONE_SAMPLE)
    assert "Level Subject" in refused.value.hint


def test_the_methods_text_says_that_maps_were_combined(study: Study) -> None:
    made = plan(study, MEAN, ONE_SAMPLE)
    settings = GroupSettings(stats_model=study.output_dir.parent / "model.json")
    told = say_source(GroupOutputs(made.comparisons[0], made, study, settings))
    assert told.endswith("were averaged or subtracted as the model file says.")
