"""The command for tables of curves: formats it reads, numbers it writes, sentences for what is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.fit import main, read_curves
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES

BP_ND = [0.5, 1.5, 2.5]


def curve_table(frames: bool = True) -> pd.DataFrame:
    curves = simulate_curves(FRAMES, np.array(BP_ND), kinetics="one_tissue")
    table = pd.DataFrame(1e5 * curves.target, columns=["amygdala", "caudate", "thalamus"])
    table.insert(0, "occipital", 1e5 * curves.reference)
    if frames:
        table.insert(0, "frame_end", FRAMES.end_min * 60)
        table.insert(0, "frame_start", FRAMES.start_min * 60)
    return table


@pytest.fixture
def tacs(tmp_path: Path) -> Path:
    path = tmp_path / "sub-01_tacs.tsv"
    curve_table().to_csv(path, sep="\t", index=False)
    return path


def fit(tacs: Path, *options: str) -> pd.DataFrame:
    out = tacs.parent / "kinpar.tsv"
    assert main([str(tacs), "--reference", "occipital", *options, "-o", str(out)]) == ExitCode.OK
    return pd.read_csv(out, sep="\t", na_values="n/a")


def test_parameters_of_every_region_with_errors(tacs: Path) -> None:
    found = fit(tacs, "--model", "SRTM", "--weights", "decay")
    assert found["name"].tolist() == ["amygdala", "caudate", "thalamus"]
    np.testing.assert_allclose(found["BPND"], BP_ND, rtol=2e-3)
    np.testing.assert_allclose(found["k2prime"], 0.1237, rtol=5e-3)
    assert {"BPND-se", "R1", "R1-se", "k2", "R2"} <= set(found.columns)


def test_windows_share_the_history(tacs: Path) -> None:
    options = ("--k2prime", "0.1237", "--window", "baseline=10-40", "--window", "challenge=45-90")
    found = fit(tacs, "--model", "LoganRef", *options)
    assert found["window"].tolist() == ["baseline"] * 3 + ["challenge"] * 3
    np.testing.assert_allclose(found["BPND"], BP_ND * 2, rtol=2e-3)


def test_preset_and_estimated_k2_prime(tacs: Path) -> None:
    by_preset = fit(tacs, "--tracer", "[11C]carfentanil")
    assert "DVR" in by_preset
    np.testing.assert_allclose(by_preset["BPND"], BP_ND, rtol=2e-3)
    by_estimate = fit(tacs, "--model", "MRTM2", "--k2prime", "estimate")
    np.testing.assert_allclose(by_estimate["BPND"], BP_ND, rtol=5e-3)


def test_t_star_keeps_early_frames_out_of_the_regression_only(tacs: Path) -> None:
    late = fit(tacs, "--model", "LoganRef", "--k2prime", "0.1237", "--t-star", "30")
    np.testing.assert_allclose(late["BPND"], BP_ND, rtol=1e-3)
    without = fit(tacs, "--model", "LoganRef", "--t-star", "30")
    assert (np.abs(without["BPND"] / BP_ND - 1) > 0.002).all()


def test_displacement_from_an_onset(tacs: Path) -> None:
    found = fit(tacs, "--model", "StepChange", "--onset", "45")
    np.testing.assert_allclose(found["BPNDchange"], 0, atol=0.1)


def test_weights_and_half_life_change_noisy_results(tacs: Path) -> None:
    table = pd.read_csv(tacs, sep="\t")
    table["thalamus"] *= 1 + 0.05 * np.random.default_rng(0).normal(size=len(table))
    table.to_csv(tacs, sep="\t", index=False)
    plain, carbon, fluorine = (
        fit(tacs, "--model", "SRTM", *options)["BPND"][2]
        for options in ((), ("--weights", "decay"), ("--weights", "decay", "--half-life", "109.77"))
    )
    assert len({plain, carbon, fluorine}) == 3


@pytest.mark.parametrize(
    ("start", "other", "is_end", "scale", "separator", "unit"),
    [
        ("frame_start", "frame_end", True, 60.0, "\t", None),
        ("Start", "Dur", False, 60.0, ",", None),
        ("StartTime", "dur", False, 1.0, ";", "min"),
        ("start (min)", "end (min)", True, 1.0, ",", None),
        ("FrameTimesStart", "FrameDuration", False, 60.0, "\t", None),
    ],
)
def test_tables_of_other_programs(
    tmp_path: Path, start: str, other: str, is_end: bool, scale: float, separator: str, unit: str | None
) -> None:
    table = curve_table(frames=False)
    table["weights"] = 1.0
    table.insert(0, other, (FRAMES.end_min if is_end else FRAMES.duration_min) * scale)
    table.insert(0, start, FRAMES.start_min * scale)
    path = tmp_path / "curves.csv"
    table.to_csv(path, sep=separator, index=False, encoding="utf-8-sig")
    read = read_curves(path, "occipital", unit)
    np.testing.assert_allclose(read.frames.start_min, FRAMES.start_min, atol=1e-9)
    np.testing.assert_allclose(read.frames.duration_min, FRAMES.duration_min)
    assert read.names == ("amygdala", "caudate", "thalamus")


def spoil(path: Path, edit: str) -> None:
    table = pd.read_csv(path, sep="\t", dtype=str)
    if edit == "text":
        table.loc[3, "caudate"] = "n/a"
    elif edit == "overlap":
        table.loc[3, "frame_start"] = "0"
    elif edit == "backwards":
        table.loc[3, "frame_end"] = "0"
    elif edit == "minutes":
        table["frame_start"], table["frame_end"] = FRAMES.start_min, FRAMES.end_min
    elif edit == "no times":
        table = table.drop(columns="frame_end")
    elif edit == "zero":
        table["occipital"] = "0"
    elif edit == "lonely":
        table = table[["frame_start", "frame_end", "occipital"]]
    elif edit == "twice":
        table = table.rename(columns={"caudate": "amygdala"})
    table.to_csv(path, sep="\t", index=False)
    if edit == "ragged":
        path.write_text(path.read_text().rstrip() + "\t7\n")
    elif edit == "empty":
        path.write_text("frame_start\tframe_end\n")
    elif edit == "binary":
        path.write_bytes(b"\xff\xfe\x00\x80")


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        ("text", "column 'caudate' holds 'n/a' in row 5"),
        ("overlap", "frame 4 starts before frame 3 ends"),
        ("backwards", "frame 4 ends at 0 s, not after its start at 90 s"),
        ("minutes", "last frame ends 1.5 min after injection"),
        ("no times", "does not say when its frames start and end"),
        ("zero", "'occipital' is nowhere above zero"),
        ("lonely", "no curve beside the reference region"),
        ("twice", "two columns named 'amygdala'"),
        ("ragged", "row 22 has 7 cells, but there are 6 column names"),
        ("empty", "has no rows"),
        ("binary", "cannot be read as text"),
    ],
)
def test_bad_tables_get_a_sentence(tacs: Path, edit: str, sentence: str) -> None:
    spoil(tacs, edit)
    with pytest.raises(MorbidsError, match=sentence):
        read_curves(tacs, "occipital")


def test_an_absent_reference_is_named_with_what_there_is(tacs: Path) -> None:
    with pytest.raises(MorbidsError, match=r"no column 'cerebellum'.*occipital, amygdala"):
        read_curves(tacs, "cerebellum")


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--model", "MRTM2"], ExitCode.USAGE, "needs k2'"),
        (["--model", "SRTM", "--window", "late=88-90"], ExitCode.BAD_DATA, "Window late: Only 0 frames"),
        (["--model", "SRTM", "--window", "late"], ExitCode.USAGE, "is not NAME=START-END"),
        ([], ExitCode.USAGE, "No model is given"),
        (["--tracer", "water"], ExitCode.USAGE, "no preset for 'water'"),
        (["--model", "Magic"], ExitCode.USAGE, ""),
        (["--model", "SRTM", "--k2prime", "-1"], ExitCode.USAGE, ""),
    ],
)
def test_exit_codes_and_sentences(
    tacs: Path, caplog: pytest.LogCaptureFixture, options: list[str], code: ExitCode, sentence: str
) -> None:
    out = tacs.parent / "kinpar.tsv"
    assert main([str(tacs), "--reference", "occipital", *options, "-o", str(out)]) == code
    assert sentence in caplog.text
    assert not out.exists()


def test_an_absent_file_is_no_input(tmp_path: Path) -> None:
    arguments = [
        str(tmp_path / "no.tsv"),
        "--reference",
        "r",
        "--model",
        "SRTM",
        "-o",
        str(tmp_path / "k.tsv"),
    ]
    assert main(arguments) == ExitCode.NO_INPUT


def test_help_is_no_failure() -> None:
    assert main(["--help"]) == ExitCode.OK


# A scan of six frames, with the head that each program writes; from their documentation.
BODY = (
    (0, 60, 10, 20),
    (60, 180, 30, 50),
    (180, 420, 32, 70),
    (420, 900, 25, 66),
    (900, 1800, 16, 50),
    (1800, 3600, 8, 30),
)


def six_frames(head: str, form: str = "{0}\t{1}\t{2}\t{3}", per: float = 1.0) -> str:
    rows = (
        form.format(s / per, e / per, ref, roi, (e - s) / per, (s + e) / 2 / per) for s, e, ref, roi in BODY
    )
    return "\n".join((head, *rows)) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(six_frames("frame_start\tframe_end\tcer\tput"), id="PETPrep"),
        pytest.param(
            six_frames("FrameTimesStart\tFrameDuration\tcer\tput", "{0}\t{4}\t{2}\t{3}"), id="PET-BIDS"
        ),
        pytest.param(six_frames("start[seconds]\tend[kBq/cc]\tcer\tput"), id="PMOD in s"),
        pytest.param(six_frames("start[minutes]\tend[kBq/cc]\tcer\tput", per=60), id="PMOD in min"),
        pytest.param(
            "# drawn by hand\n"
            + six_frames("start[minutes] end[Bq/ml] cer put", "{0}   {1} {2}  {3}", per=60),
            id="Turku",
        ),
        pytest.param(
            six_frames(
                "Times,StartTime (min),Duration (min),Weights,cer,put", "{5},{0},{4},1,{2},{3}", per=60
            ),
            id="kinfitr",
        ),
        pytest.param(
            six_frames("start (min);end (min);cer;put", "{0};{1};{2},0;{3},0", per=60), id="decimal commas"
        ),
    ],
)
def test_tables_of_other_programs_are_read_as_they_are(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tacs.txt"
    path.write_text(text)
    table = read_curves(path, "cer")
    assert table.names == ("put",)
    np.testing.assert_allclose(table.frames.start_min, [0, 1, 3, 7, 15, 30])
    np.testing.assert_allclose(table.frames.end_min, [1, 3, 7, 15, 30, 60])
    np.testing.assert_allclose(table.reference, [10, 30, 32, 25, 16, 8])
    np.testing.assert_allclose(table.curves[:, 0], [20, 50, 70, 66, 50, 30])


def test_several_reference_columns_are_averaged_and_fitted_no_more(tmp_path: Path) -> None:
    path = tmp_path / "tacs.tsv"
    path.write_text(six_frames("start\tend\tleft\tright\tput", "{0}\t{1}\t{2}\t{3}\t{3}"))
    table = read_curves(path, "left, right")
    np.testing.assert_allclose(table.reference, [15, 40, 51, 45.5, 33, 19])
    assert table.names == ("put",)


def test_a_dft_file_is_sent_to_its_converter(tmp_path: Path) -> None:
    path = tmp_path / "tacs.dft"
    path.write_text("DFT1 caud put\n. dx sin\n")
    with pytest.raises(MorbidsError, match="is a DFT file"):
        read_curves(path, "caud")


def test_t_star_is_found_and_named(tacs: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    found = fit(tacs, "--model", "LoganRef", "--k2prime", "0.1237", "--t-star", "find")
    np.testing.assert_allclose(found["BPND"], BP_ND, rtol=5e-3)
    assert "no point of the Logan plot is more than 5 % off the line" in caplog.text
