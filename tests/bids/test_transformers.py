"""The four transformers against columns computed by hand."""

import numpy as np
import pandas as pd
import pytest

from morbids.bids.transformers import Factor, Product, Rename, Scale, transform
from morbids.errors import MorbidsError

TABLE = pd.DataFrame(
    {
        "sex": ["F", "M", "F", "M", "F"],
        "site": [1.0, 2.0, 3.0, 1.0, 2.0],
        "age": [20.0, 30.0, 40.0, 50.0, np.nan],
        "score": [1.0, 2.0, 4.0, 8.0, 16.0],
        "constant": 3.0,
    }
)


def test_factor_makes_a_column_per_level_in_place_of_the_variable() -> None:
    frame = transform(TABLE, (Factor(("sex", "site")),)).frame
    assert frame["sex.F"].tolist() == [1, 0, 1, 0, 1]
    assert frame["sex.M"].tolist() == [0, 1, 0, 1, 0]
    assert frame["site.3"].tolist() == [0, 0, 1, 0, 0]
    assert not {"sex", "site"} & set(frame.columns)


@pytest.mark.parametrize(("reference", "left"), [(None, "sex.M"), ("M", "sex.F")])
def test_drop_one_leaves_out_the_reference_level(reference: str | None, left: str) -> None:
    frame = transform(TABLE, (Factor(("sex",), "drop_one", reference),)).frame
    assert [name for name in frame.columns if name.startswith("sex")] == [left]


def test_mean_zero_columns_sum_to_zero_over_levels() -> None:
    frame = transform(TABLE, (Factor(("site",), "mean_zero"),)).frame
    assert frame["site.2"].tolist() == [-1, 1, 0, -1, 1]
    assert frame["site.3"].tolist() == [-1, 0, 1, -1, 0]
    unbalanced = transform(TABLE, (Factor(("sex",), "mean_zero", "M"),)).frame
    assert unbalanced["sex.F"].tolist() == [1, -1, 1, -1, 1]


def test_a_missing_level_is_missing_in_every_column() -> None:
    table = TABLE.assign(sex=["F", float("nan"), "F", "M", "M"])
    frame = transform(table, (Factor(("sex",)),)).frame
    assert frame[["sex.F", "sex.M"]].iloc[1].isna().all()
    assert frame[["sex.F", "sex.M"]].iloc[2].tolist() == [1, 0]


def test_scale_has_mean_zero_and_unit_deviation_and_keeps_missing_values() -> None:
    frame = transform(TABLE, (Scale(("age", "score"), ("age_z", "score")),)).frame
    assert frame["age"].tolist()[:4] == [20, 30, 40, 50]
    for name in ("age_z", "score"):
        assert frame[name].mean() == pytest.approx(0)
        assert frame[name].std(ddof=1) == pytest.approx(1)
    assert np.isnan(frame["age_z"].iloc[4])


def test_scale_can_do_one_of_the_two() -> None:
    centred = transform(TABLE, (Scale(("score",), ("score",), rescale=False),)).frame["score"]
    assert centred.tolist() == pytest.approx([-5.2, -4.2, -2.2, 1.8, 9.8])
    divided = transform(TABLE, (Scale(("score",), ("score",), demean=False),)).frame["score"]
    assert (TABLE["score"] / divided).tolist() == pytest.approx([TABLE["score"].std()] * 5)


def test_product_and_rename_remember_what_they_are_made_of() -> None:
    steps = (
        Factor(("sex",)),
        Scale(("score",), ("score_z",)),
        Product(("sex.F", "score_z"), "interaction"),
        Rename(("interaction",), ("sex_by_score",)),
    )
    variables = transform(TABLE, steps)
    expected = np.where(TABLE["sex"] == "F", variables.frame["score_z"], 0)
    assert variables.frame["sex_by_score"].tolist() == pytest.approx(expected.tolist())
    assert variables.sources["sex_by_score"] == {"sex", "score"}
    assert "interaction" not in variables.frame


def test_the_table_is_left_as_it_is() -> None:
    before = TABLE.copy()
    transform(TABLE, (Factor(("sex",)), Scale(("score",), ("score",))))
    pd.testing.assert_frame_equal(TABLE, before)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Scale(("sex",), ("sex",)), r"'sex' holds text \('F'\)\. .*Factor"),
        (Scale(("hunger",), ("hunger",)), r"no variable 'hunger'\. .*sex, site"),
        (Scale(("constant",), ("constant",)), "'constant' is 3 in every row"),
        (Factor(("constant",), "drop_one"), "'constant' has only the level '3'"),
        (Factor(("sex",), "drop_one", "X"), r"reference level 'X' of 'sex' does not occur\. .*F, M"),
        (Factor(("hunger",)), "no variable 'hunger'"),
        (Product(("score", "sex"), "both"), "'sex' holds text"),
        (Rename(("score",), ("age",)), "Rename cannot call 'score' 'age'"),
        (Rename(("hunger",), ("thirst",)), "no variable 'hunger'"),
    ],
)
def test_what_cannot_be_transformed_is_refused(step: Factor | Scale | Product | Rename, message: str) -> None:
    with pytest.raises(MorbidsError, match=message):
        transform(TABLE, (step,))


def test_a_variable_that_is_missing_everywhere_is_refused() -> None:
    table = TABLE.assign(age=np.nan)
    with pytest.raises(MorbidsError, match="'age' is missing in every row"):
        transform(table, (Scale(("age",), ("age",)),))
    with pytest.raises(MorbidsError, match="'age' has no level"):
        transform(table, (Factor(("age",), "drop_one"),))
