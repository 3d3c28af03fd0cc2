"""From a model and the table of rows to design matrices, against matrices written by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.bids.group_designs import GroupDesign, build_designs
from morbids.bids.stats_model import Contrast, Node, StatsModel, read_stats_model
from morbids.bids.transformers import Factor, Product, Scale
from morbids.errors import ExitCode, MorbidsError

TRAIT = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
SEX = ["F", "M", "F", "M", "F", "M"]


def table() -> pd.DataFrame:
    """Six participants with two scans each."""
    lines = [
        {
            "participant_id": f"sub-{number:02d}",
            "session_id": f"ses-{session}",
            "task": task,
            "contrast": f"baselineMinus{task.capitalize()}",
            "resiliency": TRAIT[number],
            "sex": SEX[number],
            "site": 1.0,
        }
        for session, task in enumerate(("acceptance", "rejection"), start=1)
        for number in range(6)
    ]
    return pd.DataFrame(lines)


MEAN = Node("group", ("intercept",), group_by=("task",), dummy_contrasts=None)


def designs(
    node: Node, rows: pd.DataFrame | None = None, inputs: dict[str, tuple[str, ...]] | None = None
) -> list[GroupDesign]:
    model = StatsModel("m", (node,), inputs or {})
    return list(build_designs(model, table() if rows is None else rows).designs)


def test_group_by_makes_one_design_per_value() -> None:
    acceptance, rejection = designs(MEAN)
    assert (acceptance.group, rejection.group) == ({"task": "acceptance"}, {"task": "rejection"})
    assert acceptance.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert rejection.rows.tolist() == [6, 7, 8, 9, 10, 11]
    assert rejection.label == "groupRejection"
    ((name, design),) = rejection.contrasts
    assert name == "intercept"
    assert design.matrix.tolist() == [[1.0]] * 6
    assert design.exchange == "signs"


def test_trait_is_scaled_within_the_rows_of_each_group() -> None:
    node = replace(
        MEAN,
        columns=("intercept", "resiliency"),
        instructions=(Scale(("resiliency",), ("resiliency",)),),
        contrasts=(Contrast("slope", ("resiliency",), (1.0,)),),
        dummy_contrasts=("intercept",),
    )
    first = designs(node)[0]
    slope, mean = first.contrasts
    scaled = (np.array(TRAIT) - np.mean(TRAIT)) / np.std(TRAIT, ddof=1)
    assert np.allclose(slope.design.matrix, np.column_stack([np.ones(6), scaled]))
    assert (slope.name, slope.design.contrast.tolist()) == ("slope", [0, 1])
    assert (mean.name, mean.design.contrast.tolist()) == ("intercept", [1, 0])
    assert (slope.design.exchange, mean.design.exchange) == ("orders", "signs")


def test_two_groups_and_their_interaction_with_a_trait() -> None:
    node = Node(
        "sexes",
        ("sex.*", "resiliency", "interaction"),
        instructions=(
            Factor(("sex",)),
            Scale(("resiliency",), ("resiliency",), rescale=False),
            Product(("sex.F", "resiliency"), "interaction"),
        ),
        contrasts=(Contrast("FminusM", ("sex.F", "sex.M"), (1.0, -1.0)),),
    )
    (design,) = designs(node, inputs={"task": ("rejection",)})
    female = np.array([1, 0, 1, 0, 1, 0.0])
    trait = np.array(TRAIT) - np.mean(TRAIT)
    ((_, found),) = design.contrasts
    assert found.columns == ("sex.F", "sex.M", "resiliency", "interaction")
    assert np.allclose(found.matrix, np.column_stack([female, 1 - female, trait, female * trait]))
    assert found.contrast.tolist() == [1, -1, 0, 0]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("task", ("rejection",)),
        ("session", ("2",)),
        ("ses", ("ses-2",)),
        ("desc", ("baselineMinusRejection",)),
        ("contrast", ("baselineMinusRejection", "nothing")),
    ],
)
def test_input_selects_rows_by_entities_of_any_spelling(name: str, values: tuple[str, ...]) -> None:
    (design,) = designs(replace(MEAN, group_by=()), inputs={name: values})
    assert design.rows.tolist() == [6, 7, 8, 9, 10, 11]


def test_input_may_name_the_kind_of_file() -> None:
    inputs = {"subject": ("00", "01", "02"), "suffix": ("mimap",), "datatype": ("pet",)}
    assert [design.rows.tolist() for design in designs(MEAN, inputs=inputs)] == [[0, 1, 2], [6, 7, 8]]


def test_rows_with_missing_values_are_left_out_before_scaling() -> None:
    rows = table()
    rows.loc[[1, 7], "resiliency"] = np.nan
    rows.loc[[4, 10], "sex"] = np.nan
    node = replace(
        MEAN,
        columns=("intercept", "trait"),
        instructions=(Scale(("resiliency",), ("trait",)),),
        contrasts=(Contrast("trait", ("trait",), (1.0,)),),
        dummy_contrasts=(),
    )
    first = designs(node, rows)[0]
    assert first.rows.tolist() == [0, 2, 3, 4, 5]
    assert [(row, reason) for row, reason in first.dropped] == [(1, "resiliency is missing")]
    assert first.contrasts[0].design.matrix[:, 1].mean() == pytest.approx(0)
    second = replace(
        node, columns=("intercept", "trait", "sex.F"), instructions=(*node.instructions, Factor(("sex",)))
    )
    assert designs(second, rows)[1].dropped == ((7, "resiliency is missing"), (10, "sex is missing"))


def test_rows_without_a_value_to_part_by_are_listed() -> None:
    rows = table()
    rows.loc[3, "task"] = np.nan
    found = build_designs(StatsModel("m", (MEAN,)), rows)
    assert found.dropped == ((3, "task is missing, which parts the rows of 'group'"),)
    assert found.designs[0].rows.tolist() == [0, 1, 2, 4, 5]


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (replace(MEAN, group_by=()), "Model 'group': sub-00 has 2 maps among the rows.*GroupBy"),
        (replace(MEAN, group_by=("hunger",)), r"no variable 'hunger'\. They have participant_id"),
        (
            replace(MEAN, columns=("sex",)),
            r"Model 'group' \(task acceptance\): The variable 'sex' holds text",
        ),
        (replace(MEAN, columns=("trait*",)), r"There is no variable 'trait\*' for X"),
        (
            replace(MEAN, columns=("intercept", "site")),
            "the columns 'intercept', 'site' depend on each other",
        ),
        (
            replace(MEAN, columns=("intercept", "sex.*"), instructions=(Factor(("sex",)),)),
            "rank-deficient: the columns 'intercept', 'sex.F', 'sex.M' depend",
        ),
        (
            replace(MEAN, contrasts=(Contrast("slope", ("age",), (1.0,)),)),
            r"The contrast names 'age', which is no column of the design\. The columns are intercept",
        ),
    ],
)
def test_what_cannot_be_estimated_is_refused_by_name(node: Node, message: str) -> None:
    with pytest.raises(MorbidsError, match=message):
        designs(node)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(MorbidsError, match=r"\(task acceptance\): A group test needs at least 3 maps.* 2\."):
        designs(MEAN, inputs={"sub": ("00", "01")})


def test_no_complete_row_is_refused() -> None:
    rows = table().assign(age=np.nan)
    with pytest.raises(MorbidsError, match=r"No row has a value of every variable \(age is missing\)"):
        designs(replace(MEAN, columns=("intercept", "age")), rows)


@pytest.mark.parametrize("inputs", [{"task": ("rest",)}, {"suffix": ("bold",)}])
def test_input_that_selects_nothing_is_refused(inputs: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(MorbidsError, match="No map fits the Input of the model 'm'") as refused:
        designs(MEAN, inputs=inputs)
    assert refused.value.exit_code == ExitCode.NOTHING_SELECTED


def test_the_documented_model_runs_on_a_study_like_the_simulated_one() -> None:
    model = read_stats_model(Path(__file__).parents[2] / "docs" / "resiliency_smdl.json")
    rows = (
        table()
        .rename(columns={"resiliency": "er89_total"})
        .assign(age=[20.0, 31.0, 25.0, 40.0, 22.0, 28.0] * 2)
    )
    found = build_designs(model, rows)
    assert [(design.label, [name for name, _ in design.contrasts]) for design in found.designs] == [
        ("traitBaselineMinusAcceptance", ["intercept", "resiliency"]),
        ("traitBaselineMinusRejection", ["intercept", "resiliency"]),
        ("sexBaselineMinusAcceptance", ["FminusM", "mean"]),
        ("sexBaselineMinusRejection", ["FminusM", "mean"]),
    ]
    assert found.designs[0].contrasts[1].design.exchange == "orders"
    assert found.designs[2].contrasts[1].design.contrast.tolist() == [0.5, 0.5]
