"""Signs of effects and bias at null by the program's tables, beside a perfect reading."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.study import Study, claim_figures, lend_anatomy, sign_figures
from benchmarks.study_readings import (
    MODEL,
    Count,
    count_groups,
    count_people,
    judge_effects,
    null_bias,
    questions,
    read_readings,
    read_traits,
    traits,
)
from morbids.bids.names import difference_label, output_path
from morbids.bids.tables import write_table
from morbids.imaging.atlases import SPHERES, sphere_table
from morbids.numerics.arrays import FloatArray
from morbids.simulation.effects import TASKS, Effect, built_in_effects

pytestmark = pytest.mark.graph

PEOPLE = ("01", "02", "03", "04", "05", "06")
SCORES = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 13.0])
NAMES = list(sphere_table()["name"])


def _changes(task: str, wrong: str = "") -> dict[str, FloatArray]:
    """Baseline minus challenge of six people: every built-in effect has its sign, but for the one named `wrong`."""
    changes = {name: np.zeros(len(PEOPLE)) for name in NAMES}
    for effect in built_in_effects():
        if effect.task != task:
            continue
        size = effect.sign * (-1 if effect.name == wrong else 1)
        change = size * (
            np.full(len(PEOPLE), 0.2) if effect.kind == "mean" else 0.01 * (SCORES - SCORES.mean())
        )
        for name in NAMES:
            if name == effect.region or name.startswith(f"{effect.region}_"):
                changes[name] = changes[name] + change
    return {name: change + 1e-4 * np.sin(np.arange(len(PEOPLE))) for name, change in changes.items()}


def _write_study(folder: Path, wrong: str = "", bias: float = 0.0) -> Study:
    """Write what both readings are read from; found is perfect but for the wrong sign and `bias` of a baseline of 2."""
    study = Study(folder)
    for table in ("er89", "state_ratings"):
        columns = [name for name in traits() if name.startswith("er89") == (table == "er89")]
        path = study.bids / "phenotype" / f"{table}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        people = {"participant_id": [f"sub-{person}" for person in PEOPLE]}
        write_table(pd.DataFrame(people | dict.fromkeys(columns, SCORES)), path)
    for task in TASKS:
        _write_found(study, task, {name: change + bias for name, change in _changes(task, wrong).items()})
        for place, person in enumerate(PEOPLE):
            rows = {
                "name": NAMES,
                "BPND-scanner-baseline": 2.0,
                f"BPND-scanner-{task}": [2.0 - change[place] for change in _changes(task).values()],
            }
            scan = {"sub": person, "task": task, "trc": "carfentanil"}
            path = output_path(study.truth, scan, "kinpar", {"seg": SPHERES, "model": "truth"})
            path.parent.mkdir(parents=True, exist_ok=True)
            write_table(pd.DataFrame(rows), path)
    return study


def _write_found(study: Study, task: str, changes: dict[str, FloatArray]) -> None:
    contrast = {"model": MODEL, "contrast": difference_label("baseline", task), "desc": "values"}
    path = output_path(study.results, {}, "regions", contrast)
    path.parent.mkdir(parents=True, exist_ok=True)
    scans = {"scan": [f"sub-{person}_task-{task}" for person in PEOPLE]}
    write_table(pd.DataFrame(scans | changes), path)


def test_readings_that_agree_are_right_equally_often(tmp_path: Path) -> None:
    study = _write_study(tmp_path)
    outcomes = judge_effects(study.readings, read_traits(study.bids))
    assert [outcome.effect for outcome in outcomes] == list(built_in_effects())
    figures = sign_figures(outcomes)
    assert figures["right_sign_share"] == figures["right_sign_share_perfect"] == 1
    assert figures["right_sign_people_share"] == 1
    assert figures["right_sign_people_n"] == len(PEOPLE) * sum(e.kind == "mean" for e in built_in_effects())
    # Exact interval of n of n: the lower end is (.05 / 2) ** (1 / n).
    assert figures["right_sign_lowest_within_range"] == pytest.approx(0.025 ** (1 / len(built_in_effects())))


def test_t_and_r_are_those_of_the_group_tests(tmp_path: Path) -> None:
    study = _write_study(tmp_path)
    readings = study.readings["rejection"]
    by_name = {
        outcome.effect.name: outcome for outcome in judge_effects(study.readings, read_traits(study.bids))
    }
    sides = _changes("rejection")
    mean = (sides["Amygdala_L"] + sides["Amygdala_R"]) / 2
    t = mean.mean() / (mean.std(ddof=1) / np.sqrt(len(mean)))
    assert by_name["rejection: Amygdala activation"].t_or_r == pytest.approx((t, t), rel=1e-3)
    r = np.corrcoef(mean, SCORES)[0, 1]
    assert by_name["rejection: Amygdala activation with er89_total"].t_or_r == pytest.approx((r, r), rel=1e-3)
    assert readings.found["VentralStriatum_L"].to_numpy() == pytest.approx(
        sides["VentralStriatum_L"], abs=1e-9
    )


@pytest.mark.parametrize("effect", built_in_effects(), ids=lambda effect: effect.name)
def test_an_effect_with_the_wrong_sign_is_missed(tmp_path: Path, effect: Effect) -> None:
    study = _write_study(tmp_path, wrong=effect.name)
    figures = sign_figures(judge_effects(study.readings, read_traits(study.bids)))
    name = ("t: " if effect.kind == "mean" else "r: ") + effect.name
    assert figures[name] < 0 < figures[f"{name}, perfect"]
    assert figures["right_sign_share"] < figures["right_sign_share_perfect"]


def test_only_people_whose_scans_were_taken_count(tmp_path: Path) -> None:
    study = _write_study(tmp_path)
    path = next((study.results / "group").rglob("*baselineMinusRejection*values*.tsv"))
    write_table(pd.read_csv(path, sep="\t").iloc[1:], path)
    readings = read_readings(study.truth, study.results, "rejection")
    assert list(readings.found.index) == list(readings.perfect.index) == list(PEOPLE[1:])


def test_range_is_the_exact_binomial_one_of_the_perfect_reading() -> None:
    count = Count(found=8, perfect=11, n=13)
    # Clopper and Pearson: the share of which 11 or more of 13 come in 2.5 % of samples.
    assert stats.binom.sf(10, 13, count.lowest) == pytest.approx(0.025, rel=1e-6)
    assert count.figures("x")["x_within_range"] == 1
    assert count._replace(found=7).figures("x")["x_within_range"] == 0


def test_bias_is_what_the_perfect_reading_does_not_show(tmp_path: Path) -> None:
    study = _write_study(tmp_path, bias=0.04)
    bias = null_bias([study.readings, study.readings])
    assert set(bias) == {name.removesuffix("_L") for name in NAMES if not name.endswith("_R")}
    for one in bias.values():
        # Read to fall by .04 of 2.
        assert one.mean == pytest.approx(-2.0, abs=1e-6)
        assert one.standard_error == pytest.approx(0.0, abs=1e-6)
        assert one.n_people == 2 * len(PEOPLE)


def test_every_trait_is_asked_for_in_its_task() -> None:
    assert {question.split(":")[1] for question in questions(TASKS)} == set(traits())
    assert questions(("rejection",)) == ["rejection:er89_total", "rejection:rejection_negative_affect"]


def test_counts_of_a_task_without_mean_effects_are_of_groups_only(tmp_path: Path) -> None:
    study = _write_study(tmp_path)
    outcomes = judge_effects(study.readings, read_traits(study.bids))
    correlations = [outcome for outcome in outcomes if outcome.effect.kind == "correlation"]
    assert count_groups(correlations).n == len(correlations)
    assert count_people(correlations).n == 0


def test_claims_are_counted_at_the_level_of_the_page(tmp_path: Path) -> None:
    path = output_path(tmp_path, {}, "claims", {"model": MODEL})
    path.parent.mkdir(parents=True)
    write_table(pd.DataFrame({"p_page": [0.05, 0.051, np.nan, 0.001]}), path)
    assert claim_figures([tmp_path], [tmp_path, tmp_path]) == {"claims": 2, "null_claims": 4}


def _write_t1w(study: Study, content: bytes) -> None:
    (study.results / "sub-01" / "anat").mkdir(parents=True)
    (study.results / "dataset_description.json").write_text("{}")
    image = study.bids / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    image.parent.mkdir(parents=True)
    image.write_bytes(content)


def test_anatomy_is_lent_to_the_same_images(tmp_path: Path) -> None:
    lender, borrower = Study(tmp_path / "a"), Study(tmp_path / "b")
    for study in (lender, borrower):
        _write_t1w(study, b"head")
    (lender.results / "sub-01" / "anat" / "made.txt").write_text("made")
    lent = lend_anatomy(lender, borrower)
    assert (lent / "sub-01" / "anat" / "made.txt").read_text() == "made"
    assert sorted(path.name for path in lent.iterdir()) == ["dataset_description.json", "sub-01"]


def test_anatomy_is_not_lent_to_another_head(tmp_path: Path) -> None:
    lender, borrower = Study(tmp_path / "a"), Study(tmp_path / "b")
    _write_t1w(lender, b"head")
    _write_t1w(borrower, b"another head")
    with pytest.raises(ValueError, match="is another image than"):
        lend_anatomy(lender, borrower)
