"""A dataset of curves alone through both levels: numbers, choices among tables, sentences for what is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.bids.tables import read_table
from morbids.curves.command import main
from morbids.curves.group import Question, judge
from morbids.errors import ExitCode
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import one_sample
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES

REGIONS = ("amygdala", "caudate", "thalamus")
BP_ND = np.array([0.8, 1.5, 2.5])
BLOCKED = np.array([1.0, 1.0, 0.7])
N_PEOPLE = 9


def write_curves(folder: Path, participant: int, session: str, bp_nd: FloatArray) -> Path:
    """Write the curves of one scan as PETPrep does."""
    curves = simulate_curves(FRAMES, bp_nd, kinetics="one_tissue")
    table = pd.DataFrame(1e4 * curves.target, columns=list(REGIONS))
    table.insert(0, "reference", 1e4 * curves.reference)
    table.insert(0, "frame_end", FRAMES.end_min * 60)
    table.insert(0, "frame_start", FRAMES.start_min * 60)
    path = (
        folder / f"sub-{participant:02}/ses-{session}/pet/sub-{participant:02}_ses-{session}_desc-mc_tacs.tsv"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, sep="\t", index=False)
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine people with a blocked session: the thalamus loses 30 %; who is older binds more in the caudate."""
    folder = tmp_path_factory.mktemp("curves")
    chance = np.random.default_rng(1)
    lines = ["participant_id\tage\tgroup"]
    for person in range(1, N_PEOPLE + 1):
        own = BP_ND * (1 + chance.normal(scale=0.03, size=3))
        own[1] += 0.05 * person
        write_curves(folder, person, "baseline", own)
        write_curves(folder, person, "blocked", own * BLOCKED * (1 + chance.normal(scale=0.03, size=3)))
        lines.append(f"sub-{person:02}\t{20 + 5 * person}\t{'ab'[person % 2]}")
    (folder / "participants.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def fitted(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fitted")
    assert (
        main([str(study), str(out), "participant", "--reference", "reference", "--model", "SRTM"])
        == ExitCode.OK
    )
    return out


def test_each_scan_gets_the_parameters_of_its_curves(fitted: Path) -> None:
    tables = sorted(fitted.glob("sub-*/ses-*/pet/*_model-SRTM_kinpar.tsv"))
    assert len(tables) == 2 * N_PEOPLE
    baseline = read_table(tables[0]).set_index("name")["BPND"]
    assert baseline["amygdala"] == pytest.approx(BP_ND[0], rel=0.1)
    assert all(path.with_suffix(".json").exists() for path in tables)


def test_a_difference_of_sessions_is_claimed_where_it_was_built_in(
    study: Path, fitted: Path, tmp_path: Path
) -> None:
    words = [str(study), str(fitted), "group", "--contrast", "ses-baseline:ses-blocked"]
    assert main([*words, "--n-permutations", "500"]) == ExitCode.OK
    tests = read_table(fitted / "group/model-SRTM/contrast-baselineMinusBlocked_regions.tsv").set_index(
        "name"
    )
    assert list(tests["n"]) == [N_PEOPLE] * 3
    assert tests["effect"]["thalamus"] == pytest.approx(0.3 * BP_ND[2], rel=0.05)
    assert tests["p_family"]["thalamus"] <= 0.05
    assert min(tests["p_family"]["amygdala"], tests["p_family"]["caudate"]) > 0.05
    page = (fitted / "group.html").read_text()
    assert "thalamus (" in page
    assert "desc-forest" in page


def test_a_trait_is_a_slope_over_people(study: Path, fitted: Path) -> None:
    words = [str(study), str(fitted), "group", "--select", "ses=baseline", "--trait", "age"]
    assert main([*words, "--n-permutations", "500"]) == ExitCode.OK
    tests = read_table(fitted / "group/model-SRTM/contrast-BPND_regions.tsv").set_index("name")
    assert tests["effect"]["caudate"] == pytest.approx(0.01, rel=0.2)
    assert tests["p_family"]["caudate"] <= 0.05 < tests["p_family"]["amygdala"]


def test_tables_of_petprep_alone_are_tested_and_people_who_lack_a_scan_are_told(tmp_path: Path) -> None:
    """PETPrep's own tables of parameters: no suffix, regions in the first column, BPnd."""
    for person in range(1, 7):
        for session in ("test", "retest")[: 2 if person < 6 else 1]:
            path = tmp_path / f"km/sub-{person}_ses-{session}_pvc-nopvc_desc-mc_km-srtm.tsv"
            path.parent.mkdir(exist_ok=True)
            value = 2 + 0.1 * person - (0.2 + 0.01 * person) * (session == "retest")
            path.write_text(f"SRTM\tR1\tBPnd\nputamen\t1.1\t{value:.3f}\ncaudate\t1.0\t{1 + 0.1 * person}\n")
    words = [str(tmp_path / "km"), str(tmp_path / "out"), "group", "--contrast", "ses-test:ses-retest"]
    assert main([*words, "--n-permutations", "200"]) == ExitCode.OK
    values = read_table(tmp_path / "out/group/model-srtm/contrast-testMinusRetest_desc-values_regions.tsv")
    assert list(values["putamen"]) == pytest.approx([0.21, 0.22, 0.23, 0.24, 0.25])
    page = (tmp_path / "out/group.html").read_text()
    assert "sub-6 has no ses-retest." in page
    assert "too few for any claim (smallest p 0.062)" in page, "five people: two of 32 signs repeat the data"


def test_a_table_that_cannot_be_fitted_stops_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_curves(tmp_path / "in", 1, "a", BP_ND)
    write_curves(tmp_path / "in", 2, "a", BP_ND).write_text("frame_start\tframe_end\n0\t60\n")
    words = [
        str(tmp_path / "in"),
        str(tmp_path / "out"),
        "participant",
        "--reference",
        "reference",
        "--model",
        "SRTM",
    ]
    assert main(words) == ExitCode.FAILED
    assert "sub-02_ses-a is left out." in caplog.text
    assert "1 of 2 scans were not fitted" in caplog.text
    assert len(list((tmp_path / "out").glob("**/*_kinpar.tsv"))) == 1


@pytest.mark.parametrize(
    ("level", "words", "sentence"),
    [
        ("group", ["--select", "ses=baseline"], "BPND alone is no question"),
        ("group", ["--model", "MRTM2"], "no table of regional parameters"),
        ("group", ["--contrast", "baseline:blocked"], "cannot be read"),
        ("group", ["--contrast", "ses-a:ses-b"], "No scan has the first or the second value"),
        ("group", ["--trait", "age"], "sub-01 has several scans or windows"),
        ("group", ["--select", "ses=baseline", "--trait", "weight"], "has a column 'weight'"),
        ("group", ["--select", "ses=baseline", "--group-column", "age"], "tells 9 groups apart"),
        ("group", ["--select", "ses=baseline", "--measure", "VT", "--trait", "age"], "has no column VT"),
        ("group", ["--weights", "decay"], "--weights is not an option of the group level"),
        ("group", ["--trait", "age", "--group-column", "group"], "are two questions"),
        ("participant", ["--trait", "age"], "--trait is not an option of the participant level"),
        ("participant", ["--select", "pvc=agtm"], "has no table of curves"),
        ("participant", ["--select", "pvc"], "is not KEY=VALUE"),
    ],
)
def test_what_cannot_be_is_told(
    level: str, words: list[str], sentence: str, study: Path, fitted: Path,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert main([str(study), str(fitted), level, *words]) != ExitCode.OK
    assert sentence in caplog.text + capsys.readouterr().err


def test_tables_that_cannot_be_compared_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder that is not there, tables of two models, a region that stands twice."""
    words = [str(tmp_path / "out"), "group", "--trait", "age"]
    assert main([str(tmp_path / "nowhere"), *words]) == ExitCode.NO_INPUT
    assert "nowhere is not a directory" in caplog.text
    for participant, model in (("01", "SRTM"), ("02", "MRTM2")):
        path = tmp_path / f"in/sub-{participant}/pet/sub-{participant}_seg-a_model-{model}_kinpar.tsv"
        path.parent.mkdir(parents=True)
        path.write_text("name\tBPND\ncaudate\t1\ncaudate\t2\n")
    assert main([str(tmp_path / "in"), *words]) == ExitCode.USAGE
    assert "There are tables of MRTM2, SRTM. Choose with --model" in caplog.text
    assert main([str(tmp_path / "in"), *words, "--model", "SRTM"]) != ExitCode.OK
    assert "has the region caudate twice" in caplog.text


def test_two_tables_of_a_scan_are_told_apart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_curves(tmp_path, 1, "a", BP_ND)
    path.with_name("sub-01_ses-a_pvc-agtm_desc-mc_tacs.tsv").write_text(path.read_text())
    assert main([str(tmp_path), str(tmp_path / "out"), "participant", "--model", "SRTM"]) == ExitCode.USAGE
    assert "Choose with --select pvc=agtm" in caplog.text


def test_two_groups_are_compared(study: Path, fitted: Path) -> None:
    words = [str(study), str(fitted), "group", "--select", "ses=baseline", "--group-column", "group"]
    assert main([*words, "--covariate", "age", "--n-permutations", "200"]) == ExitCode.OK
    tests = read_table(fitted / "group/model-SRTM/contrast-BPND_regions.tsv")
    assert (tests["p_family"] > 0.05).all()


def test_family_wise_error_is_kept_where_nothing_happens() -> None:
    """100 studies of ten people and twelve regions that share half of their variance."""
    chance = np.random.default_rng(3)
    false = 0
    for seed in range(100):
        values = chance.normal(size=(10, 12)) + chance.normal(size=(10, 1))
        question = Question(pd.DataFrame(values), one_sample(10), "", ("", ""))
        false += bool((judge(question, 99, seed).p_family <= 0.05).any())
    assert false / 100 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 100)
