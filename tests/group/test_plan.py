"""Which questions the group level asks of maps on disk, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morbids.bids.names import output_path
from morbids.bids.tables import read_table
from morbids.errors import ExitCode, MorbidsError
from morbids.group.comparison import Comparison, Terms, sum_terms
from morbids.group.plan import GroupPlan, plan_group
from morbids.group.plan_tables import write_plan_tables
from morbids.settings import GroupSettings, OutputSpace, Study
from tests.bids.conftest import DatasetMaker
from tests.bids.test_map_table import write_spm, write_table
from tests.bids.test_maps import write_image, write_map, write_study
from tests.participant.studies import make_study

SETTINGS = GroupSettings()
N = 6
SCORES = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6]
FEMALE = "FMFMMF"


@pytest.fixture
def study(dataset: DatasetMaker) -> Study:
    """Six participants with two scans each, and what is known of them."""
    made = make_study(dataset.root.parent)
    write_study(made.output_dir, N)
    lines = [f"sub-{n + 1:02d}\t{SCORES[n]}\t{FEMALE[n]}\t{30 + n * n}\t7" for n in range(N)]
    dataset.text("participants.tsv", "\n".join(["participant_id\tscore\tsex\tage\tseven", *lines]) + "\n")
    return made


def plan(study: Study, **changes: object) -> GroupPlan:
    return plan_group(study, replace(SETTINGS, **changes))  # type: ignore[arg-type]


def find(made: GroupPlan, name: str) -> Comparison:
    return next(comparison for comparison in made.comparisons if comparison.name == name)


def test_each_kind_of_difference_is_asked_for_its_mean_and_against_the_other(study: Study) -> None:
    made = plan(study)
    assert [comparison.name for comparison in made.comparisons] == [
        "baselineMinusAcceptance",
        "baselineMinusRejection",
        "acceptanceAgainstRejection",
    ]
    mean = find(made, "baselineMinusRejection")
    assert mean.title == "baseline − rejection"
    assert (len(mean.labels), mean.design.words, mean.directions) == (
        N,
        "one-sample t",
        ("activation", "deactivation"),
    )
    assert [path.name.split("_desc-")[1] for path in mean.binding] == ["baseline_mimap.nii.gz"] * N


def test_a_pair_is_a_difference_of_differences_within_participants(study: Study) -> None:
    pair = find(plan(study), "acceptanceAgainstRejection")
    assert pair.directions == ("more activation in acceptance", "more activation in rejection")
    assert pair.labels[0] == "sub-01"
    for place in range(N):
        assert "acceptance" in pair.maps.added[place].name
        assert "rejection" in pair.maps.removed[place].name
        assert pair.maps.added[place].parts[-3] == pair.maps.removed[place].parts[-3]


def test_challenges_are_compared_late_against_late_where_their_maps_are(study: Study) -> None:
    for number in range(1, N + 1):
        for task in ("rejection", "acceptance"):
            write_map(study.output_dir, {"sub": f"{number:02d}", "task": task}, desc=task)
    late = find(plan(study), "acceptanceAgainstRejectionLate")
    # More activation in acceptance means lower binding there: it is what is taken away.
    assert all("desc-rejection" in path.name for path in late.maps.added)
    assert all("desc-acceptance" in path.name for path in late.maps.removed)


def test_who_lacks_one_of_a_pair_is_not_in_it(study: Study) -> None:
    for path in study.output_dir.glob("sub-02/**/*task-rejection*"):
        path.unlink()
    made = plan(study)
    pair = find(made, "acceptanceAgainstRejection")
    assert len(pair.labels) == N - 1
    assert [(one.label, one.reason) for one in pair.dropped] == [
        (
            "sub-02_task-acceptance",
            "the participant has baseline − acceptance but no baseline − rejection",
        )
    ]
    assert len(find(made, "baselineMinusAcceptance").labels) == N


def test_a_trait_is_a_regressor_without_its_mean_on_every_kind(study: Study) -> None:
    made = plan(study, traits=("score",))
    slope = find(made, "baselineMinusRejectionByScore")
    np.testing.assert_allclose(slope.design.columns["score"], np.array(SCORES) - np.mean(SCORES))
    assert slope.design.weights == {"score": 1.0}
    assert slope.directions[0] == "rises with score"
    assert slope.trait == "score"
    assert not find(made, "baselineMinusRejection").trait


def test_rows_without_a_value_are_left_out_with_the_reason(study: Study, dataset: DatasetMaker) -> None:
    path = dataset.root / "participants.tsv"
    path.write_text(path.read_text().replace("\t9.0\t", "\tn/a\t"))
    slope = find(plan(study, traits=("score",)), "baselineMinusRejectionByScore")
    assert len(slope.labels) == len(slope.maps.added) == N - 1
    assert [(one.label, one.reason) for one in slope.dropped] == [
        ("sub-05_task-rejection", "score is missing")
    ]


def test_a_rating_of_one_task_is_not_tested_in_the_other(study: Study) -> None:
    made = plan(study, traits=("rejection:score", "age"))
    names = [one.name for one in made.comparisons if one.trait]
    assert names == [
        "baselineMinusAcceptanceByAge",
        "baselineMinusRejectionByScore",
        "baselineMinusRejectionByAge",
    ]


def test_an_expected_direction_is_that_of_its_task(study: Study) -> None:
    made = plan(study, expected=("rejection:activation", "acceptance:deactivation"))
    rejection, acceptance = (find(made, f"baselineMinus{name}") for name in ("Rejection", "Acceptance"))
    assert (rejection.expected, acceptance.expected) == (1, -1)
    assert find(made, "acceptanceAgainstRejection").expected == 0
    assert rejection.directed == rejection.design
    assert acceptance.directed.weights == {"intercept": -1.0}


def test_questions_have_families_and_share_people(study: Study) -> None:
    made = plan(study, traits=("score",), excluded=("sub-03_task-rejection",))
    families = {one.name: one.family for one in made.comparisons}
    assert families["baselineMinusRejection"] == "change"
    assert families["baselineMinusRejectionByScore"] == "trait"
    assert families["acceptanceAgainstRejection"] == "between"
    people = made.people_of(find(made, "baselineMinusRejection"))
    assert people.n_all == N
    assert people.places == tuple(place for place in range(N) if place != 2)
    assert made.people_of(find(made, "baselineMinusAcceptance")).places == tuple(range(N))


def test_two_groups_are_compared_with_welch_or_with_a_pooled_variance(study: Study) -> None:
    welch = find(plan(study, group_column="sex"), "baselineMinusRejectionMMinusF")
    assert welch.design.weights == {"sex.F": -1.0, "sex.M": 1.0}
    second = welch.design.design.second_group
    assert second is not None
    assert [bool(one) for one in second] == [sex == "M" for sex in FEMALE]
    pooled = find(plan(study, group_column="sex", equal_variances=True), "baselineMinusRejectionMMinusF")
    assert pooled.design.design.second_group is None


def test_covariates_lose_their_means_and_text_becomes_columns(study: Study) -> None:
    mean = find(plan(study, covariates=("age", "sex")), "baselineMinusRejection")
    assert list(mean.design.columns) == ["intercept", "age", "sex.M"]
    for name in ("age", "sex.M"):
        assert np.mean(mean.design.columns[name]) == pytest.approx(0)
    assert mean.design.words == "one-sample t, beside age, sex.M"
    assert mean.design.df == N - 3


def rewrite(dataset: DatasetMaker, columns: dict[str, Any]) -> None:
    """Write other columns into participants.tsv."""
    table = pd.DataFrame({"participant_id": [f"sub-{n + 1:02d}" for n in range(N)], **columns})
    dataset.text("participants.tsv", table.to_csv(sep="\t", index=False, na_rep="n/a"))


def test_a_level_that_only_a_dropped_row_had_is_no_column(study: Study, dataset: DatasetMaker) -> None:
    site = ["a", "b", "a", "b", "a", "c"]
    rewrite(dataset, {"site": site, "score": [*SCORES[:5], None], "sex": list(FEMALE)})
    made = plan(study, traits=("score",), covariates=("site",))
    slope = find(made, "baselineMinusRejectionByScore")
    assert list(slope.design.columns) == ["intercept", "score", "site.b"]
    assert [one.label for one in slope.dropped] == ["sub-06_task-rejection"]
    # The mean needs no score: there the level is a column, and the only row that has it fits itself.
    assert list(find(made, "baselineMinusRejection").design.columns) == ["intercept", "site.b", "site.c"]


def test_a_group_that_only_a_dropped_row_had_is_a_sentence(study: Study, dataset: DatasetMaker) -> None:
    rewrite(dataset, {"sex": ["F"] * 5 + ["M"], "age": [20.0, 31, 42, 23, 54, None]})
    made = plan(study, group_column="sex", covariates=("age",))
    assert "has the values F" in made.skipped["baseline − rejection: groups of sex"]


def test_groups_of_unequal_variance_stand_beside_covariates(study: Study) -> None:
    welch = find(plan(study, group_column="sex", covariates=("age",)), "baselineMinusRejectionMMinusF")
    assert list(welch.design.columns) == ["sex.F", "sex.M", "age"]
    assert welch.design.second_group == "sex.M"


def test_two_variances_are_not_judged_by_formulas(study: Study) -> None:
    made = plan(study, group_column="sex", contrasts=("baselineMinusRejection*",))
    assert [note.partition("not judged by ")[2][:17] for note in made.notes] == ["fdr, random-field"]
    with pytest.raises(MorbidsError, match="cannot be judged by fdr: degrees of freedom differ"):
        plan(study, group_column="sex", inference=("fdr",))
    assert not plan(study, group_column="sex", equal_variances=True).notes


def test_numbers_that_may_be_categories_are_doubted(study: Study, dataset: DatasetMaker) -> None:
    rewrite(dataset, {"site": [1, 2, 3, 1, 2, 3], "sex": list(FEMALE)})
    (note,) = plan(study, covariates=("site",)).notes
    assert note.startswith("'site' has only the values 1, 2, 3 and is used as a straight line")
    assert not plan(study, covariates=("sex",)).notes


def test_a_trait_that_a_covariate_repeats_is_told_or_refused(study: Study, dataset: DatasetMaker) -> None:
    age = np.array([20.0, 31, 42, 23, 54, 37])
    near, nearer = age + np.array([0, 3, -3, 3, -3, 0]), age + np.array([0, 1, -1, 1, -1, 0]) * 1e-3
    rewrite(dataset, {"age": list(age), "years": list(near), "days": list(nearer)})
    notes = plan(study, traits=("years",), covariates=("age",)).notes
    assert any("by years: the other columns of the design explain 9" in note for note in notes)
    refused = plan(study, traits=("days",), covariates=("age",)).skipped
    assert "nearly collinear" in refused["baseline − rejection by days"]


def test_a_broken_table_stops_only_those_who_ask_for_it(study: Study, dataset: DatasetMaker) -> None:
    dataset.text("phenotype/broken.tsv", "participant_id\tmood\nsub-01\t1\nsub-01\t2\n")
    assert find(plan(study, traits=("score",)), "baselineMinusRejectionByScore")
    with pytest.raises(MorbidsError, match=r"broken.tsv has two rows of participant_id sub-01"):
        plan(study, traits=("mood",))


def write_model(folder: Path, **changes: object) -> Path:
    """A model file that asks for the slope on the score; its node may be changed."""
    path = folder / "model.json"
    node = {
        "Level": "Dataset",
        "Name": "trait",
        "GroupBy": ["contrast"],
        "Model": {"Type": "glm", "X": [1, "score"]},
        "DummyContrasts": {"Contrasts": ["score"], "Test": "t"},
        **changes,
    }
    path.write_text(json.dumps({"Name": "my model", "BIDSModelVersion": "1.0.0", "Nodes": [node]}))
    return path


def test_a_model_file_reads_only_the_tables_it_names(
    study: Study, dataset: DatasetMaker, tmp_path: Path
) -> None:
    dataset.text("phenotype/broken.tsv", "participant_id\tmood\nsub-01\t1\nsub-01\t2\n")
    path = write_model(tmp_path)
    assert len(plan(study, stats_model=path).comparisons) == 2


def test_a_model_file_takes_the_place_of_the_built_in_questions(study: Study, tmp_path: Path) -> None:
    path = write_model(tmp_path)
    made = plan(study, stats_model=path)
    assert [comparison.name for comparison in made.comparisons] == [
        "traitBaselineMinusAcceptanceScore",
        "traitBaselineMinusRejectionScore",
    ]
    assert made.models == ("myModel",)
    rejection = made.comparisons[1]
    assert all("task-rejection" in path.name for path in rejection.maps.added)
    assert rejection.design.columns["score"] == tuple(SCORES)
    with pytest.raises(MorbidsError, match="--trait cannot be combined with --stats-model") as error:
        plan(study, stats_model=path, traits=("score",))
    assert error.value.exit_code == ExitCode.USAGE


def test_contrasts_of_one_file_name_are_refused(study: Study, tmp_path: Path) -> None:
    weights = {"ConditionList": ["score"], "Weights": [1], "Test": "t"}
    twice = [{"Name": name, **weights} for name in ("slope up", "slope_up")]
    path = write_model(tmp_path, Contrasts=twice, DummyContrasts={"Contrasts": [], "Test": "t"})
    with pytest.raises(MorbidsError, match="two contrasts would write files of one name") as error:
        plan(study, stats_model=path)
    assert error.value.exit_code == ExitCode.USAGE


def test_people_are_compared_in_a_template_only(study: Study) -> None:
    with pytest.raises(MorbidsError, match="--output-spaces T1w is no template: people cannot be compared"):
        plan(study, output_spaces=(OutputSpace("T1w", 2),))


def test_contrasts_are_chosen_by_name(study: Study) -> None:
    chosen = plan(study, contrasts=("*Rejection",), traits=("score",))
    assert [one.name for one in chosen.comparisons] == [
        "baselineMinusRejection",
        "acceptanceAgainstRejection",
    ]
    with pytest.raises(MorbidsError, match="There is no contrast 'nothing'") as error:
        plan(study, contrasts=("nothing",))
    assert "baselineMinusRejection" in error.value.hint


def test_percent_maps_have_no_tables_and_say_their_unit(study: Study) -> None:
    made = find(plan(study, map_kind="percent"), "baselineMinusRejectionPercent")
    assert made.quantity == "change of BP_ND (%)"
    assert made.tables == Terms()


def test_maps_are_taken_with_the_correction_that_is_asked_for(study: Study) -> None:
    """A dataset that was run with and without correction holds both kinds: they are not mixed."""
    for number in range(1, 5):
        desc = "baselineMinusRejection"
        scan = {"sub": f"{number:02d}", "task": "rejection"}
        write_map(study.output_dir, {**scan, "pvc": "RBV"}, desc=desc)
    assert len(find(plan(study), "baselineMinusRejection").labels) == N
    corrected = find(plan(study, partial_volume="rbv"), "baselineMinusRejection")
    assert len(corrected.labels) == 4
    assert all("_pvc-RBV_" in path.name for path in corrected.maps.added)


def test_maps_of_other_software_are_read_from_their_dataset(dataset: DatasetMaker, tmp_path: Path) -> None:
    """No sidecars, another space, no windows, two sessions: session against session within participants."""
    maps = tmp_path / "maps"
    for number in range(1, 5):
        for session in ("placebo", "drug"):
            stem = f"sub-{number}/ses-{session}/pet/sub-{number}_ses-{session}_space-MNI152NLin6Asym_meas-BPND_mimap"
            write_image(maps / f"{stem}.nii.gz")
    study = replace(make_study(dataset.root.parent), derivatives=(maps,))
    made = plan(study)
    assert [comparison.name for comparison in made.comparisons] == ["drugAgainstPlacebo"]
    (pair,) = made.comparisons
    assert pair.model == "parameters"
    assert all("ses-drug" in path.name for path in pair.maps.added)
    assert len(pair.binding) == 8


def test_maps_of_one_kind_alone_are_tested_against_zero(dataset: DatasetMaker, tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    for number in range(1, 5):
        write_image(maps / f"sub-{number}/pet/sub-{number}_space-MNI152Lin_meas-BPND_desc-delta_mimap.nii.gz")
    (comparison,) = plan(replace(make_study(dataset.root.parent), derivatives=(maps,))).comparisons
    assert comparison.name == "delta"
    assert comparison.directions == ("above 0", "below 0")


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_maps_are_a_sentence(dataset: DatasetMaker, n: int) -> None:
    study = make_study(dataset.root.parent)
    write_study(study.output_dir, n)
    with pytest.raises(MorbidsError, match=f"at least 3 maps and was given {n}") as error:
        plan(study)
    assert error.value.exit_code == ExitCode.BAD_DATA


def test_maps_that_are_all_left_out_are_a_sentence(dataset: DatasetMaker) -> None:
    study = make_study(dataset.root.parent)
    for number in range(1, 4):
        write_map(study.output_dir, {"sub": f"{number}"}, values=np.full((4, 5, 6), np.nan))
    with pytest.raises(MorbidsError, match=r"All 3 maps are left out .*no voxel is finite"):
        plan(study)


def test_excluded_scans_are_left_out_by_name(study: Study) -> None:
    made = plan(study, excluded=("sub-03", "sub-01_task-rejection"))
    assert len(find(made, "baselineMinusRejection").labels) == N - 2
    assert {one.label for one in made.group.found.dropped} == {
        "sub-01_task-rejection",
        "sub-03_task-rejection",
        "sub-03_task-acceptance",
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"traits": ("seven",)}, "column 'seven' has the value 7.* in every row"),
        ({"traits": ("sex",)}, "column 'sex' holds 'F'"),
        ({"traits": ("absent",)}, "No table of the dataset has a column 'absent'"),
        ({"traits": ("rest:score",)}, "--trait rest:score: no scan of the analysis has .* 'rest'"),
        ({"expected": ("upwards",)}, "--expect upwards: no direction of that name"),
        (
            {"expected": ("activation", "rejection:deactivation")},
            "--expect names activation and deactivation for baseline − rejection",
        ),
        ({"group_column": "score"}, "'score' has the values"),
        ({"equal_variances": True}, "--equal-variances has no use"),
        ({"stats_model_node": "group"}, "--stats-model-node has no use without a model"),
        ({"variance_smoothing_fwhm_mm": 8.0, "group_column": "sex"}, "cannot be combined with Welch's test"),
        ({"variance_smoothing_fwhm_mm": 8.0, "coverage": 0.9}, "cannot be combined with --coverage"),
        ({"small_volumes": ("Elsewhere",)}, "neither an a-priori region nor an image"),
        ({"measure": "VT"}, "no difference map of VT"),
        ({"excluded": ("sub-99",)}, "--exclude sub-99 names no scan and no participant"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(study: Study, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(MorbidsError, match=sentence):
        plan(study, **changes)


def test_several_datasets_of_maps_are_refused(study: Study) -> None:
    with pytest.raises(MorbidsError, match="--derivatives names several"):
        plan(replace(study, derivatives=(study.output_dir, study.bids_dir)))


def test_a_question_that_cannot_be_asked_does_not_stop_the_others(study: Study) -> None:
    """Two participants have a third task."""
    for number in (1, 2):
        write_map(study.output_dir, {"sub": f"{number:02d}", "task": "rest"}, desc="baselineMinusRest")
    made = plan(study)
    assert "baseline − rest" in made.skipped
    assert len(made.comparisons) == 3


def test_traits_and_groups_are_called_as_their_sidecar_says(study: Study, dataset: DatasetMaker) -> None:
    levels = {"F": "female", "M": "male"}
    told = {"score": {"LongName": "Ego resiliency"}, "sex": {"LongName": "Sex", "Levels": levels}}
    dataset.text("participants.json", json.dumps(told))
    made = plan(study, traits=("score",), group_column="sex")
    slope = find(made, "baselineMinusRejectionByScore")
    assert slope.title == "baseline − rejection by Ego resiliency"
    assert slope.directions == ("rises with Ego resiliency", "falls with Ego resiliency")
    assert (slope.trait, slope.trait_words) == ("score", "Ego resiliency")
    groups = find(made, "baselineMinusRejectionMMinusF")
    assert groups.title == "baseline − rejection: Sex male − female"
    assert groups.directions == ("higher in male", "higher in female")


def test_three_values_of_a_trait_are_no_slope(study: Study, dataset: DatasetMaker) -> None:
    path = dataset.root / "participants.tsv"
    text = path.read_text()
    for score in SCORES[3:]:
        text = text.replace(f"\t{score}\t", "\tn/a\t")
    path.write_text(text)
    made = plan(study, traits=("score",))
    assert "needs 4" in made.skipped["baseline − rejection by score"]


def test_tables_of_rows_and_designs_are_written_with_sidecars(study: Study) -> None:
    made = plan(study, excluded=("sub-03",), traits=("score",))
    write_plan_tables(made, study)
    folder = study.output_dir / "group" / "model-differences"
    rows = read_table(folder / "rows.tsv")
    assert list(rows["status"]).count("included") == 2 * (N - 1)
    assert set(rows["reason"][rows["status"] == "left out"]) == {"left out by the user: --exclude"}
    design = read_table(folder / "contrast-baselineMinusRejectionByScore_design.tsv")
    assert list(design.columns) == ["scan", "intercept", "score"]
    sidecar = json.loads((folder / "contrast-baselineMinusRejectionByScore_design.json").read_text())
    assert "weight in the contrast is 1" in sidecar["score"]["Description"]


def test_terms_are_summed_row_by_row() -> None:
    added = [np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([10.0, 20.0]), np.array([30.0, 40.0])]
    removed = [np.array([0.5, 0.5]), np.array([1.0, 1.0])]
    np.testing.assert_array_equal(sum_terms(Terms(), added, removed, 2), [[10.5, 21.5], [32.0, 43.0]])
    np.testing.assert_array_equal(sum_terms(Terms(divisor=2), added[:2], [], 2), np.array(added[:2]) / 2)
    percent = sum_terms(Terms(percent_of="removed"), added[:2], removed, 2)
    np.testing.assert_array_equal(percent, [[100, 300], [200, 300]])
    nothing = sum_terms(Terms(percent_of="added"), [np.zeros(2), -np.ones(2)], removed, 2)
    assert np.isnan(nothing).all()


def test_null_ranges_of_regions_are_taken_before_calibrations_where_all_scans_have_them(study: Study) -> None:
    scans = [{"sub": f"{number:02d}", "task": "rejection"} for number in range(1, N + 1)]
    for scan in scans:
        output_path(study.output_dir, scan, "calibration").write_text("contrast\n")
    assert "calibration" in find(plan(study), "baselineMinusRejection").protocols.tables.added[0].name
    for scan in scans:
        output_path(study.output_dir, scan, "null_range").write_text("contrast\n")
    assert "nullrange" in find(plan(study), "baselineMinusRejection").protocols.tables.added[0].name
    output_path(study.output_dir, scans[2], "null_range").unlink()
    assert "calibration" in find(plan(study), "baselineMinusRejection").protocols.tables.added[0].name


def test_a_group_of_one_is_a_reason_and_values_of_one_spelling_are_refused(
    study: Study, dataset: DatasetMaker
) -> None:
    rewrite(dataset, {"site": list("abbbbb")})
    made = plan(study, group_column="site")
    reasons = [why for title, why in made.skipped.items() if "groups of site" in title]
    assert len(reasons) == 3
    assert all("The groups have 1 and 5 maps" in why for why in reasons)
    rewrite(dataset, {"site": ["a b", "a-b", "a b", "a-b", "c", "c"]})
    with pytest.raises(MorbidsError, match="would both write contrast-baselineMinusAcceptanceCMinusAB"):
        plan(study, group_column="site")


def test_three_groups_are_tested_by_f_and_in_pairs(study: Study, dataset: DatasetMaker) -> None:
    rewrite(dataset, {"site": list("aabbcc")})
    made = plan(study, group_column="site")
    among = find(made, "baselineMinusRejectionAmongSite")
    assert among.design.words == "analysis of variance, F of site.a, site.b, site.c"
    assert (among.design.design.n_tested, among.family, among.directions) == (2, "group", ("difference", ""))
    pair = find(made, "baselineMinusRejectionCMinusA")
    assert pair.design.weights == {"site.a": -1.0, "site.c": 1.0}
    assert set(pair.design.columns) == {"site.a", "site.b", "site.c"}
    # And whether the difference between the tasks depends on the group.
    assert find(made, "acceptanceAgainstRejectionAmongSite").maps.removed
    assert any("not judged by random-field: the statistic is F" in note for note in made.notes)
    rewrite(dataset, {"site": list("aabbcd")})
    with pytest.raises(MorbidsError, match="4 groups of 6 participants"):
        plan(study, group_column="site")


def test_a_trait_of_two_tasks_is_tested_in_their_difference_only(study: Study) -> None:
    made = plan(study, traits=("acceptance-rejection:score",))
    assert [one.name for one in made.comparisons if one.trait] == ["acceptanceAgainstRejectionByScore"]
    with pytest.raises(
        MorbidsError, match="no scan of the analysis has the task, session or challenge 'a-b'"
    ):
        plan(study, traits=("a-b:score",))


@pytest.fixture
def factorial(dataset: DatasetMaker, tmp_path: Path) -> Study:
    """Five participants with two tasks in each of two sessions, and one without the last."""
    for number in range(1, 7):
        for task in ("rest", "work"):
            for session in ("1", "2"):
                if (number, task, session) != (6, "work", "2"):
                    scan = {"sub": f"{number:02d}", "ses": session, "task": task}
                    write_map(tmp_path / "maps", scan, desc="all")
    lines = [f"sub-{n + 1:02d}\t{FEMALE[n]}" for n in range(N)]
    dataset.text("participants.tsv", "\n".join(["participant_id\tsex", *lines]) + "\n")
    return replace(make_study(dataset.root.parent), derivatives=(tmp_path / "maps",))


def test_two_factors_within_participants_are_main_effects_and_an_interaction(factorial: Study) -> None:
    made = plan(factorial, within=("task", "session"))
    assert [one.name for one in made.comparisons] == ["mainTask", "mainSession", "taskBySession"]
    task, _, both = made.comparisons
    assert (task.title, task.directions) == (
        "task: rest − work, mean over session",
        ("higher in rest", "higher in work"),
    )
    assert (len(task.labels), task.maps.divisor, task.design.words) == (5, 2, "one-sample t")
    terms = [[scan_of(path) for path in files[::5]] for files in (task.maps.added, task.maps.removed)]
    assert terms == [["rest 1", "rest 2"], ["work 1", "work 2"]]
    terms = [[scan_of(path) for path in files[::5]] for files in (both.maps.added, both.maps.removed)]
    assert terms == [["rest 1", "work 2"], ["work 1", "rest 2"]] or terms == [
        ["rest 1", "work 2"],
        ["rest 2", "work 1"],
    ]
    assert both.maps.divisor == 1
    assert [(one.label, one.reason) for one in task.dropped] == [("sub-06", "no map of work 2")]


def test_groups_are_compared_in_each_effect_within_participants(factorial: Study) -> None:
    made = plan(factorial, within=("task", "session"), group_column="sex")
    group = find(made, "taskBySessionMMinusF")
    assert group.family == "group"
    assert group.design.second_group == "sex.M"


def test_four_scans_are_repeated_measures(factorial: Study) -> None:
    """Without --within all scans of a participant are one factor; pairs stand beside it."""
    made = plan(factorial)
    among = find(made, "amongScans")
    assert len(among.labels) == 5 * 4
    assert among.design.words.startswith("repeated measures, F of")
    assert among.design.blocks == tuple(np.repeat(range(5), 4).tolist())
    assert among.design.design.exchange == "signs"
    assert set(among.movers) == {(f"sub-{n:02d}", 0) for n in range(1, 6)}
    assert len(made.comparisons) == 1 + 6


def test_windows_are_a_factor_of_scans_with_a_challenge(study: Study) -> None:
    for number in range(1, N + 1):
        for task in ("rejection", "acceptance"):
            for desc in ("baseline", task):
                write_map(study.output_dir, {"sub": f"{number:02d}", "task": task}, desc=desc)
    made = plan(study, within=("task", "window"), expected=("activation",))
    window = find(made, "mainWindow")
    assert (window.expected, find(made, "taskByWindow").expected, window.quantity) == (1, 0, "BP_ND")
    assert (window.family, window.directions) == ("change", ("activation", "deactivation"))
    assert {path.name.partition("_desc-")[2] for path in window.maps.added} == {"baseline_mimap.nii.gz"}
    both = find(made, "taskByWindow")
    assert both.directions == ("more activation in acceptance", "more activation in rejection")
    assert [path.name.partition("_desc-")[2][:9] for path in both.maps.added[::N]] == [
        "baseline_",
        "rejection",
    ]


def scan_of(path: Path) -> str:
    entities = dict(part.split("-", 1) for part in path.name.split("_") if "-" in part)
    return f"{entities['task']} {entities['ses']}"


@pytest.mark.parametrize(
    ("within", "message"),
    [
        (("task", "session", "run"), "--within names 3 factors: task, session, run"),
        (("task", "run"), "--within run: all maps have the same run, none"),
        (("task",), "sub-01 has two maps of rest"),
        (("task", "window"), "is no difference whose baseline map is there"),
    ],
)
def test_factors_that_are_not_there_are_refused(
    factorial: Study, within: tuple[str, ...], message: str
) -> None:
    with pytest.raises(MorbidsError, match=message):
        plan(factorial, within=within)


def test_factors_that_nobody_has_whole_are_refused(factorial: Study, tmp_path: Path) -> None:
    for path in (tmp_path / "maps").rglob("*ses-2*task-work*"):
        if "sub-01" not in path.name:
            path.unlink()
    for path in (tmp_path / "maps").rglob("sub-01*ses-1*task-rest*"):
        path.unlink()
    with pytest.raises(MorbidsError, match="Nobody has a map of every task and session"):
        plan(factorial, within=("task", "session"))


def test_maps_of_a_table_are_compared_within_participants(dataset: DatasetMaker, tmp_path: Path) -> None:
    lines = write_spm(tmp_path / "spm", 4)
    made_of = write_table(tmp_path / "spm", lines)
    study = make_study(dataset.root.parent)
    made = plan(study, maps_table=made_of, measure="con")
    (pair,) = made.comparisons
    assert (pair.name, pair.quantity, pair.scans) == ("drugAgainstPlacebo", "con", ("drug", "placebo"))
    write_plan_tables(made, study)
    with pytest.raises(MorbidsError, match="--derivatives and --maps parameter would be ignored"):
        plan(replace(study, derivatives=(tmp_path,)), maps_table=made_of)
