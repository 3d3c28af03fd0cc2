"""Models with plasma input against tissue that an ODE solver made: bias, noise, blood, delay, failure."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.blood_delay import estimate_delay, tells_delay
from morbids.numerics.kinetics.compartments import fit_one_tissue, fit_two_tissue
from morbids.numerics.kinetics.frame_noise import FrameNoise
from morbids.numerics.kinetics.input_function import InputRules, settle_input
from morbids.numerics.kinetics.intervals import with_sampling_errors
from morbids.numerics.kinetics.missing import missing_error
from morbids.numerics.kinetics.models import MODELS, FitOptions, fit_model
from morbids.numerics.kinetics.plasma import Blood, PlasmaInput, Samples, make_input
from morbids.numerics.kinetics.plasma_graphical import fit_ma1, fit_plasma_logan, fit_plasma_patlak
from morbids.numerics.kinetics.prediction import predict_curves
from morbids.numerics.kinetics.t_star import find_t_star
from tests.numerics.kinetics.plasma_truth import BY_HAND, SCAN, parent_share, plasma, tissue, whole_blood

ONE = {"K1": 0.1, "k2": 0.05}
TWO = (
    {"K1": 0.4, "k2": 0.2, "k3": 0.05, "k4": 0.05},
    {"K1": 0.15, "k2": 0.1, "k3": 0.1, "k4": 0.1},
    {"K1": 0.08, "k2": 0.15, "k3": 0.06, "k4": 0.03},
)
VT = np.array([r["K1"] / r["k2"] * (1 + r["k3"] / r["k4"]) for r in TWO])
TRAPPED = {"K1": 0.1, "k2": 0.15, "k3": 0.06, "k4": 0.0}
FINE = np.union1d(np.arange(0, 10, 0.02), np.arange(10, 91, 0.25))
INPUT = PlasmaInput(
    FINE,
    np.array([plasma(t) * parent_share(t) for t in FINE]),
    np.array([whole_blood(t) for t in FINE]),
)
BLOOD_VOLUME = 0.05


@pytest.fixture(scope="module")
def curves() -> FloatArray:
    return np.column_stack([tissue(rates, blood_volume=BLOOD_VOLUME) for rates in TWO])


@pytest.fixture(scope="module")
def one_curve() -> FloatArray:
    return tissue(ONE, blood_volume=BLOOD_VOLUME)[:, None]


def test_one_tissue_is_recovered(one_curve: FloatArray) -> None:
    fit = fit_one_tissue(one_curve, INPUT, SCAN, blood_volume=None)
    assert fit.k1 == pytest.approx([0.1], rel=1e-3)
    assert fit.k2 == pytest.approx([0.05], rel=1e-3)
    assert fit.vt == pytest.approx([2.0], rel=1e-3)
    assert fit.blood_volume == pytest.approx([BLOOD_VOLUME], rel=5e-3)


def test_two_tissues_are_recovered(curves: FloatArray) -> None:
    fit = fit_two_tissue(curves, INPUT, SCAN, blood_volume=None)
    assert fit.vt == pytest.approx(VT, rel=2e-3)
    for field, name in (("k1", "K1"), ("k2", "k2"), ("k3", "k3"), ("k4", "k4")):
        assert getattr(fit, field) == pytest.approx([rates[name] for rates in TWO], rel=5e-3), name
    assert fit.blood_volume == pytest.approx(BLOOD_VOLUME * np.ones(3), rel=5e-3)


def test_a_share_of_blood_that_is_given_is_kept(curves: FloatArray) -> None:
    fit = fit_two_tissue(curves, INPUT, SCAN, blood_volume=BLOOD_VOLUME)
    assert fit.vt == pytest.approx(VT, rel=2e-3)
    assert fit.blood_volume == pytest.approx(BLOOD_VOLUME)
    assert fit.blood_volume_se == pytest.approx(np.zeros(3))


def test_linear_models_read_the_distribution_volume(curves: FloatArray, one_curve: FloatArray) -> None:
    points = SCAN.start_min >= 30
    for fit in (fit_plasma_logan, fit_ma1):
        # One tissue obeys the line from the start on; two only nearly, and read low where binding is slow.
        early = SCAN.start_min >= 2
        alone = fit(one_curve, INPUT, SCAN, blood_volume=BLOOD_VOLUME, points=early)
        assert alone.vt == pytest.approx([2.0], rel=2e-3)
        late = fit(curves, INPUT, SCAN, blood_volume=BLOOD_VOLUME, points=points)
        assert late.vt == pytest.approx(VT, rel=0.03)


def test_patlak_reads_the_rate_of_what_is_trapped() -> None:
    curve = tissue(TRAPPED, blood_volume=BLOOD_VOLUME)[:, None]
    fit = fit_plasma_patlak(curve, INPUT, SCAN, blood_volume=BLOOD_VOLUME, points=SCAN.start_min >= 30)
    assert fit.ki == pytest.approx([0.1 * 0.06 / (0.15 + 0.06)], rel=0.01)
    # Two reversible compartments say that they cannot tell a volume.
    assert np.isnan(fit_two_tissue(curve, INPUT, SCAN, blood_volume=None).vt).all()


def test_one_tissue_fitted_by_two_keeps_its_volume(one_curve: FloatArray) -> None:
    fit = fit_two_tissue(one_curve, INPUT, SCAN, blood_volume=None)
    assert fit.vt == pytest.approx([2.0], rel=2e-3)
    assert fit.k1 == pytest.approx([0.1], rel=2e-3)


def test_noise_leaves_volumes_unbiased_and_errors_honest(curves: FloatArray) -> None:
    rng = np.random.default_rng(3)
    level = 0.02 * curves[:, 1].mean() / np.sqrt(SCAN.duration_min / SCAN.duration_min.mean())
    noisy = curves[:, [1]] + level[:, None] * rng.normal(size=(SCAN.n_frames, 400))
    chosen = {"inverse_variance": SCAN.duration_min}
    fit = fit_two_tissue(noisy, INPUT, SCAN, blood_volume=None, **chosen)  # type: ignore[arg-type]
    known = np.isfinite(fit.vt)
    assert known.mean() > 0.97
    assert np.median(fit.vt[known]) == pytest.approx(VT[1], rel=0.01)
    spread = float(np.std(fit.vt[known]))
    assert np.median(fit.vt_se[known]) == pytest.approx(spread, rel=0.3)


def test_no_other_start_finds_less(curves: FloatArray) -> None:
    rng = np.random.default_rng(5)
    noisy = curves * (1 + 0.05 * rng.normal(size=curves.shape))
    fit = fit_two_tissue(noisy, INPUT, SCAN, blood_volume=None)

    def loss(p: FloatArray, measured: FloatArray) -> FloatArray:
        named = dict(zip(("K1", "k2", "k3", "k4", "vB"), p[:, None], strict=True)) | {"VT": np.ones(1)}
        return predict_curves(named, measured[:, None], INPUT, SCAN)[:, 0] - measured

    for i in range(noisy.shape[1]):
        starts = rng.uniform([0.05, 0.05, 0.01, 0.01, 0], [0.5, 0.3, 0.2, 0.2, 0.1], (6, 5))
        bounds = ([0, 1e-3, 0, 1e-3, 0], [2, 4, 4, 4, 0.5])
        best = min(2 * least_squares(loss, s, bounds=bounds, args=(noisy[:, i],)).cost for s in starts)
        mean = noisy[:, i].mean()
        own = (1 - fit.r_squared[i]) * ((noisy[:, i] - mean) ** 2).sum()
        assert own <= best * (1 + 1e-4)


@pytest.mark.parametrize("model", ["PlasmaLogan", "1TCM", "2TCM"])
def test_estimates_give_the_curves_back(curves: FloatArray, one_curve: FloatArray, model: str) -> None:
    target = one_curve if model == "1TCM" else curves
    options = FitOptions(
        points=SCAN.start_min >= 45 if model == "PlasmaLogan" else None,
        blood_volume=BLOOD_VOLUME,
        bounds={},
    )
    found = fit_model(model, target, INPUT, SCAN, options)  # type: ignore[arg-type]
    expected = predict_curves(found.parameters, target, INPUT, SCAN, blood_volume=BLOOD_VOLUME)
    late = SCAN.start_min >= 45
    assert expected[late] == pytest.approx(target[late], rel=0.01)


@pytest.mark.parametrize("later_s", [-12.0, 0.0, 9.0, 25.0])
def test_a_delay_is_found(later_s: float) -> None:
    mean = np.mean(
        [tissue(rates, blood_volume=BLOOD_VOLUME, later_min=later_s / 60) for rates in TWO], axis=0
    )
    found = estimate_delay(mean, INPUT, SCAN)
    assert found.seconds == pytest.approx(later_s, abs=1.0)
    assert found.se is not None


def test_a_delay_beyond_what_is_tried_is_an_error() -> None:
    mean = tissue(TWO[1], blood_volume=BLOOD_VOLUME, later_min=3.0)
    with pytest.raises(MorbidsError, match="fits best with a shift of 60 s"):
        estimate_delay(mean, INPUT, SCAN)


def _by_hand(factor: float = 1.0) -> Blood:
    times = tuple(map(float, BY_HAND))
    return Blood(
        Samples(times, tuple(factor * plasma(t) for t in times)),
        Samples(times, tuple(factor * whole_blood(t) for t in times)),
        Samples(times, tuple(parent_share(t) for t in times)),
    )


def test_samples_by_hand_give_volumes_within_two_percent(curves: FloatArray) -> None:
    settled = settle_input(_by_hand(), InputRules(), curves.mean(axis=1), SCAN, end_min=89.0)
    assert settled.parent.rule == "hill"
    assert abs(settled.delay.seconds) < 5
    fit = fit_two_tissue(curves, settled.plasma, SCAN, blood_volume=None)
    assert fit.vt == pytest.approx(VT, rel=0.02)


def test_blood_in_another_unit_is_refused(curves: FloatArray) -> None:
    with pytest.raises(MorbidsError, match="units of blood and tissue do not go together"):
        settle_input(_by_hand(1000), InputRules(), curves.mean(axis=1), SCAN, end_min=89.0)


def test_a_scan_without_short_frames_tells_no_delay(curves: FloatArray) -> None:
    frames = Frames(np.arange(0.0, 90.0, 5.0), np.full(18, 5.0))
    assert not tells_delay(frames)
    coarse = tissue(TWO[1], frames, blood_volume=BLOOD_VOLUME)
    settled = settle_input(_by_hand(), InputRules(), coarse, frames, end_min=90.0)
    assert settled.delay.seconds == 0
    assert any("taken for 0" in note for note in settled.notes)
    given = settle_input(_by_hand(), InputRules(delay_s=7.0), coarse, frames, end_min=90.0)
    assert given.delay.seconds == 7.0
    assert given.plasma.time_min[0] == pytest.approx(7 / 60)


def test_t_star_is_found_on_the_plasma_plot(curves: FloatArray) -> None:
    found = find_t_star(curves, INPUT, SCAN, blood_volume=BLOOD_VOLUME)
    late = find_t_star(curves, INPUT, SCAN, blood_volume=BLOOD_VOLUME, largest_deviation_percent=0.5)
    assert 3 < found.t_star_min < late.t_star_min


def test_late_scans_move_what_integrates_frames_and_nothing_else() -> None:
    late = Frames(SCAN.start_min[17:], SCAN.duration_min[17:])
    options = FitOptions(blood_volume=0.0)
    assert missing_error("2TCM", late, options).largest_percent == 0
    assert missing_error("PlasmaPatlak", late, options).largest_percent == 0
    assert missing_error("PlasmaLogan", late, options).largest_percent > 1
    with pytest.raises(MorbidsError, match="1TCM or 2TCM"):
        missing_error("MA1", Frames(np.array([50.0, 60, 70]), np.full(3, 10.0)), options).judge(
            "MA1", Frames(np.array([50.0, 60, 70]), np.full(3, 10.0)), "scan"
        )


def test_models_ask_for_what_drives_them(curves: FloatArray) -> None:
    with pytest.raises(MorbidsError, match="2TCM needs blood samples"):
        fit_model("2TCM", curves, curves[:, 0], SCAN, FitOptions())
    with pytest.raises(MorbidsError, match="SRTM needs the curve of a reference region"):
        fit_model("SRTM", curves, INPUT, SCAN, FitOptions())
    with pytest.raises(MorbidsError, match="needs the share of blood"):
        fit_model("MA1", curves, INPUT, SCAN, FitOptions())


def test_a_given_share_of_blood_is_no_coefficient() -> None:
    known = MODELS["2TCM"]
    assert known.count_coefficients(FitOptions()) == 5
    assert known.count_coefficients(FitOptions(blood_volume=0.05)) == 4
    assert MODELS["MA1"].count_coefficients(FitOptions(blood_volume=0.05)) == 2


def test_errors_of_repeated_scans_are_those_of_a_linear_fit(one_curve: FloatArray) -> None:
    options = FitOptions(bounds={})
    estimates = fit_model("1TCM", one_curve, INPUT, SCAN, options)
    sd = 0.01 * one_curve.mean()
    noise = FrameNoise("equal", np.full(one_curve.shape, sd**2), 20)
    found = with_sampling_errors(estimates, "1TCM", (one_curve, INPUT), SCAN, options, noise)
    rng = np.random.default_rng(0)
    repeated = one_curve + sd * rng.normal(size=(SCAN.n_frames, 500))
    spread = np.std(fit_one_tissue(repeated, INPUT, SCAN, blood_volume=None).vt)
    assert found.standard_errors["VT"] == pytest.approx([spread], rel=0.1)


def test_zero_and_nan_targets_fail_alone(curves: FloatArray) -> None:
    target = curves.copy()
    target[:, 0], target[3, 1] = 0.0, np.nan
    for fit in (fit_one_tissue, fit_two_tissue):
        found = fit(target, INPUT, SCAN, blood_volume=None)
        assert np.isnan(found.vt).tolist() == [True, True, False]


def test_the_scale_of_curves_and_blood_changes_nothing(curves: FloatArray) -> None:
    plain = fit_two_tissue(curves, INPUT, SCAN, blood_volume=None)
    large = PlasmaInput(FINE, 1e3 * INPUT.parent, 1e3 * INPUT.whole_blood)
    scaled = fit_two_tissue(1e3 * curves, large, SCAN, blood_volume=None)
    assert scaled.vt == pytest.approx(plain.vt, rel=1e-5)
    assert replace(InputRules(), blood_volume=0.1).volume_for(fits=True) == 0.1
    assert make_input(_by_hand(), "linear", 89.0).parent.max() > 0
