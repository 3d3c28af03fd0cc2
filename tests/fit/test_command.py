"""The command for tables of curves: formats it reads, numbers it writes, sentences for what is wrong."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.errors import ExitCode
from morbids.fit.command import main
from morbids.numerics.tracer import Release, simulate_curves
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
    without = fit(tacs, "--model", "LoganRef", "--k2prime", "none", "--t-star", "30")
    assert (np.abs(without["BPND"] / BP_ND - 1) > 0.002).all()


def test_displacement_from_an_onset(tacs: Path) -> None:
    found = fit(tacs, "--model", "StepChange", "--onset", "45", "--t-star", "0")
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
    ("options", "code", "sentence"),
    [
        (["--model", "LoganRef"], ExitCode.USAGE, "LoganRef needs the first minute of regression"),
        (["--model", "SUVR", "--t-star", "find"], ExitCode.USAGE, "says nothing about SUVR"),
        (["--model", "SRTM", "--window", "late=40-90"], ExitCode.USAGE, "SRTM fits the whole scan"),
        (["--model", "StepChange", "--window", "a=10-40"], ExitCode.USAGE, "Say with --onset"),
        (["--model", "SUVR", "--window", "late=95-99"], ExitCode.BAD_DATA, "Window late: Only 0 frames"),
        (["--model", "SRTM", "--window", "late"], ExitCode.USAGE, ""),
        (["--model", "SRTM", "--onset", "45"], ExitCode.USAGE, "SRTM has no change of binding"),
        (["--model", "SRTM", "--k2prime", "0.1"], ExitCode.USAGE, "SRTM takes no k2'"),
        (["--model", "MRTM2", "--k2prime", "none"], ExitCode.USAGE, "MRTM2 rests on it"),
        (["--model", "SRTM", "--half-life", "20"], ExitCode.USAGE, "--half-life is for weights"),
        (["--model", "StepChange", "--t-star", "0"], ExitCode.USAGE, "none is given"),
        (["--model", "StepChange", "--t-star", "0", "--onset", "120"], ExitCode.USAGE, "and 0 after it"),
        (["--model", "lpntPET", "--t-star", "0", "--onset", "-3"], ExitCode.USAGE, "leaves 0 frames before"),
        ([], ExitCode.USAGE, "No model is given"),
        (["--tracer", "unobtainium"], ExitCode.USAGE, "no preset for 'unobtainium'"),
        (["--tracer", "racloprde"], ExitCode.USAGE, "or the tracer raclopride"),
        (
            ["--tracer", "[18F]FDG"],
            ExitCode.USAGE,
            "FDG has no reference region: every part of the brain takes up",
        ),
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


def test_t_star_is_found_and_named(tacs: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    found = fit(tacs, "--model", "LoganRef", "--k2prime", "0.1237", "--t-star", "find")
    np.testing.assert_allclose(found["BPND"], BP_ND, rtol=5e-3)
    assert "no point of the Logan plot is more than 5 % off the line" in caplog.text


def test_without_a_wish_k2_prime_is_estimated_and_told(tacs: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    found = fit(tacs, "--model", "LoganRef", "--t-star", "10")
    np.testing.assert_allclose(found["BPND"], BP_ND, rtol=2e-3)
    assert "estimated from the curves" in caplog.text


def test_k2_prime_of_a_table_with_a_challenge_is_estimated_with_its_step(tacs: Path) -> None:
    curves = simulate_curves(
        FRAMES, np.array(BP_ND), k2_prime=0.1, change=-0.2, release=Release(45, 90), kinetics="one_tissue"
    )
    table = curve_table()
    table[["amygdala", "caudate", "thalamus"]], table["occipital"] = (
        1e5 * curves.target,
        1e5 * curves.reference,
    )
    table.to_csv(tacs, sep="\t", index=False)
    for options in (
        ("--model", "StepChange2", "--onset", "45"),
        ("--window", "baseline=10-40", "--window", "challenge=45-90"),
    ):
        fit(tacs, "--tracer", "carfentanil", *options)
        sidecar = json.loads((tacs.parent / "kinpar.json").read_text())
        assert sidecar["k2primeOfScan"] == pytest.approx(0.1, rel=0.01)
        assert sidecar["k2primeDistance"] > 1


def test_one_region_cannot_tell_k2_prime_and_the_preset_is_named(
    tacs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    curve_table().drop(columns=["amygdala", "caudate"]).to_csv(tacs, sep="\t", index=False)
    fit(tacs, "--tracer", "carfentanil")
    sidecar = json.loads((tacs.parent / "kinpar.json").read_text())
    assert (sidecar["k2prime"], sidecar["k2primeSource"]) == (0.1237, "preset of carfentanil")
    assert "k2' is the preset's alone, because this table cannot tell it: Only 1 regions tell" in caplog.text


def test_every_setting_is_beside_the_parameters(tacs: Path) -> None:
    fit(tacs, "--tracer", "[11C]carfentanil", "--window", "baseline=10-40", "--weights", "decay")
    sidecar = json.loads((tacs.parent / "kinpar.json").read_text())
    assert sidecar["ModelName"] == "LoganRef"
    assert sidecar["k2prime"] == pytest.approx(0.1237, rel=0.01)
    assert sidecar["k2primeSource"] == (
        "estimated from the curves of 3 regions (all at once), combined by inverse variance with 0.1237 ± 0.0168 /min "
        "of the preset of carfentanil"
    )
    assert sidecar["tstar"] == 10.0
    assert sidecar["Windows"][0]["FramesFitted"] == 6
    assert sidecar["HalfLifeSource"] == "C11 in the tracer's name"
    assert sidecar["Sources"] == [str(tacs)]
    columns = pd.read_csv(tacs.parent / "kinpar.tsv", sep="\t").columns
    assert set(columns) <= set(sidecar)


def test_figures_on_request(tacs: Path) -> None:
    folder = tacs.parent / "figures"
    fit(tacs, "--tracer", "carfentanil", "--window", "baseline=10-40", "--figures", str(folder))
    assert sorted(path.name for path in folder.iterdir()) == ["curves.svg", "fits_baseline.svg"]


def test_curves_that_are_stored_late_are_refused_and_suvr_is_named(
    tacs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = pd.read_csv(tacs, sep="\t")
    table[table["frame_start"] >= 3000].to_csv(tacs, sep="\t", index=False)
    out = tacs.parent / "kinpar.tsv"
    for model in ("LoganRef", "SRTM", "MRTM2"):
        options = ["--t-star", "0"] if model == "LoganRef" else []
        arguments = [str(tacs), "--reference", "occipital", "--model", model, *options, "-o", str(out)]
        assert main(arguments) == ExitCode.BAD_DATA
        assert "nothing was stored from 0.0 to 50.0 min" in caplog.text
        assert "Take --model SUVR" in caplog.text
        caplog.clear()
    assert fit(tacs, "--model", "SUVR", "--t-star", "50")["SUVR"].notna().all()


def test_a_short_pause_widens_the_error(tacs: Path, caplog: pytest.LogCaptureFixture) -> None:
    options = ("--model", "LoganRef", "--k2prime", "0.1237", "--t-star", "10")
    whole = fit(tacs, *options)
    table = pd.read_csv(tacs, sep="\t")
    table[~table["frame_start"].between(2400, 2900)].to_csv(tacs, sep="\t", index=False)
    paused = fit(tacs, *options)
    assert "nothing was stored from 40.0 to 50.0 min" in caplog.text
    assert (paused["BPND-se"] > 3 * whole["BPND-se"]).all()
    assert (np.abs(paused["BPND"] - BP_ND) < 2 * paused["BPND-se"]).all()
    assert (tacs.parent / "kinpar.tsv").exists()


def test_models_of_one_quantity_are_compared_on_request(tacs: Path, caplog: pytest.LogCaptureFixture) -> None:
    options = ("--model", "MRTM1", "--compare", "MRTM2", "--k2prime", "0.1237")
    out = tacs.parent / "kinpar.tsv"
    assert main([str(tacs), "--reference", "occipital", *options, "-o", str(out)]) == ExitCode.USAGE
    assert "MRTM1 takes no k2'" in caplog.text
    fit(tacs, "--model", "MRTM2", "--compare", "MRTM1", "--k2prime", "0.1237")
    table = pd.read_csv(tacs.parent / "kinpar_comparison.tsv", sep="\t")
    assert table["model"].tolist() == ["MRTM2"] * 3 + ["MRTM1"] * 3
    assert (table.groupby("name")["AICc-above-lowest"].min() == 0).all()
    assert (
        main([str(tacs), "--reference", "occipital", "--model", "SRTM", "--compare", "MRTM1", "-o", str(out)])
        == 64
    )
    assert "no criterion compares them" in caplog.text
