"""Fits of regions and voxels against the kinetics that made the curves."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from morbids.bids.tables import read_table
from morbids.bids.windows import Window, window_points
from morbids.errors import MorbidsError
from morbids.imaging.images import read_image
from morbids.numerics.frames import Frames, TimeAxis
from morbids.numerics.kinetics.graphical import fit_logan_ref
from morbids.numerics.kinetics.missing import Missing
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS
from morbids.participant.kinetic_choices import FOUND
from morbids.participant.steps.kinetics import MapRule, fit_maps, fit_regions, settle_plan
from tests.participant.steps.known_scan import (
    BASELINE,
    BP_ND,
    CHALLENGE,
    FRAMES,
    K2_PRIME,
    NAMES,
    known_curves,
    make_plan,
    settled,
    write_tables,
    write_voxels,
)

WHOLE = Window("whole", 0, 90)
WHOLE_SCAN_MODELS = [
    name
    for name, model in MODELS.items()
    if not (model.fits_windows or model.needs_onset or model.needs_plasma)
]


@pytest.mark.parametrize(("model", "tolerance"), [("LoganRef", 0.01), ("MRTM2", 0.01), ("MRTM0", 0.02)])
def test_every_window_of_an_undisturbed_scan_tells_the_same_truth(
    tmp_path: Path, model: ModelName, tolerance: float
) -> None:
    tables = write_tables(tmp_path, known_curves())
    found = fit_regions(*tables, settled(model), tmp_path).kinpar
    assert set(found) == {"baseline", "rejection"}
    for path in found.values():
        table = read_table(path)
        assert tuple(table["name"]) == NAMES
        np.testing.assert_allclose(table["BPND"], BP_ND, rtol=tolerance)
        assert (table["BPND-se"] >= 0).all()


@pytest.mark.parametrize("model", WHOLE_SCAN_MODELS)
def test_models_of_the_whole_scan_find_the_truth(tmp_path: Path, model: ModelName) -> None:
    tables = write_tables(tmp_path, known_curves())
    found = fit_regions(*tables, settled(model, (WHOLE,)), tmp_path).kinpar
    table = read_table(found["whole"])
    np.testing.assert_allclose(table["BPND"], BP_ND, rtol=0.02)
    np.testing.assert_allclose(table["R1"], [0.9, 1.0, 1.1, 1.2], rtol=0.02)


@pytest.mark.parametrize("model", ["StepChange", "StepChange2", "LSSRM", "lpntPET"])
def test_displacement_models_see_the_release_and_not_where_there_is_none(
    tmp_path: Path, model: ModelName
) -> None:
    plan = settled(model, (BASELINE, CHALLENGE._replace(start_min=40.0)))
    before_after = []
    for change in (-0.2, 0.0):
        found = fit_regions(*write_tables(tmp_path, known_curves(change)), plan, tmp_path).kinpar
        before, after = (read_table(found[name])["BPND"] for name in ("baseline", "rejection"))
        np.testing.assert_allclose(before, BP_ND, rtol=0.1)
        before_after.append(1 - after / before)
        assert "BPNDchange-se" in read_table(found["response"])
    assert (before_after[0] > 0.05).all()
    np.testing.assert_allclose(before_after[1], 0, atol=0.02)


def test_a_given_k2_prime_is_used_and_an_estimated_one_is_the_truth(tmp_path: Path) -> None:
    tables = write_tables(tmp_path, known_curves())
    assert settle_plan(*tables, make_plan(k2_prime_per_min=0.2)).k2_prime_per_min == 0.2
    estimated = settle_plan(*tables, make_plan(k2_prime_per_min=None))
    assert estimated.k2_prime_per_min == pytest.approx(K2_PRIME, rel=0.02)
    assert estimated.t_star_min == 10.0


def test_without_k2_prime_the_plot_lacks_its_term_and_r1_keeps_it(tmp_path: Path) -> None:
    plan = replace(settled(), fits_k2_prime=False)
    curves, reference = write_tables(tmp_path, known_curves())
    found = read_table(fit_regions(curves, reference, plan, tmp_path).kinpar["rejection"])
    known = known_curves()
    plain = fit_logan_ref(
        known.target,
        known.reference,
        FRAMES,
        k2_prime=None,
        points=window_points(FRAMES, CHALLENGE),
        inverse_variance=plan.inverse_variance,
    )
    np.testing.assert_allclose(found["BPND"], plain.bp_nd, rtol=1e-4)
    assert (np.abs(found["BPND"] / BP_ND - 1) > 0.01).all()
    pet, mask = write_voxels(tmp_path, known.target)
    r1 = [
        read_image(fit_maps(pet, mask, reference, one, MapRule(0.0, 0.2), tmp_path).maps["R1"]).values
        for one in (plan, settled())
    ]
    np.testing.assert_array_equal(r1[0], r1[1])


def test_t_star_is_found_before_the_challenge_and_moves_the_windows(tmp_path: Path) -> None:
    """A bent start of the curves makes t* later; the release, which bends the line too, does not."""
    curves = known_curves(-0.3)
    early = FRAMES.mid_min < 12
    curves.target[early] *= 1.6
    tables = write_tables(tmp_path, curves)
    wish = replace(
        make_plan(windows=(Window("baseline", 0, 40), CHALLENGE)), t_star_source=FOUND, t_star_min=None
    )
    found = settle_plan(*tables, wish)
    assert 3 < found.t_star_min <= 15
    assert found.plan.windows[0] == Window("baseline", found.t_star_min, 40)
    assert found.plan.pairs[0].challenge == CHALLENGE


def test_a_found_t_star_that_empties_a_window_says_so() -> None:
    with pytest.raises(MorbidsError, match=r"'baseline' has 2 frames after t\* = 32 min, .* it needs 3"):
        replace(make_plan(), t_star_min=None).settle(K2_PRIME, 32.0)


def fit_voxels(
    folder: Path, change: float, model: ModelName = "LoganRef", least: float = 0.2
) -> dict[str, Path]:
    curves = known_curves(change)
    _, reference = write_tables(folder, curves)
    pet, mask = write_voxels(folder, curves.target)
    plan = settled(model) if MODELS[model].fits_windows else settled(model, (WHOLE,))
    return fit_maps(pet, mask, reference, plan, MapRule(0.0, least), folder, 2).maps


def values(path: Path) -> np.ndarray:
    return read_image(path).values[1:3, 1:3, 1].ravel()


def test_maps_hold_the_estimates_of_the_same_curves_as_regions_and_nothing_outside(tmp_path: Path) -> None:
    maps = fit_voxels(tmp_path, -0.2)
    tables = write_tables(tmp_path, known_curves(-0.2))
    regions = fit_regions(*tables, settled(), tmp_path).kinpar
    for window in ("baseline", "rejection"):
        expected = read_table(regions[window])["BPND"]
        np.testing.assert_allclose(values(maps[f"BPND_{window}"]), expected, rtol=1e-3)
    outside = np.ones((4, 4, 3), dtype=bool)
    outside[1:3, 1:3, 1] = False
    for path in maps.values():
        assert np.isnan(read_image(path).values[outside]).all(), path.name


def test_a_difference_is_baseline_minus_challenge_and_positive_where_binding_fell(tmp_path: Path) -> None:
    maps = fit_voxels(tmp_path, -0.2)
    before, after = values(maps["BPND_baseline"]), values(maps["BPND_rejection"])
    difference = values(maps["BPND_difference_rejection"])
    np.testing.assert_allclose(difference, before - after, rtol=1e-5)
    assert (difference > 0.03).all()
    percent = values(maps["BPND_percent_rejection"])
    np.testing.assert_allclose(percent, 100 * (before - after) / before, rtol=1e-4)


def test_percent_is_not_told_where_the_baseline_is_too_low(tmp_path: Path) -> None:
    percent = values(fit_voxels(tmp_path, -0.2, least=1.5)["BPND_percent_rejection"])
    np.testing.assert_array_equal(np.isnan(percent), [True, True, False, False])


def test_the_transport_map_is_not_disturbed_by_the_challenge(tmp_path: Path) -> None:
    for change in (0.0, -0.3):
        np.testing.assert_allclose(values(fit_voxels(tmp_path, change)["R1"]), [0.9, 1, 1.1, 1.2], rtol=0.01)


@pytest.mark.parametrize("model", WHOLE_SCAN_MODELS)
def test_maps_of_models_without_windows_are_whole_scan_maps(tmp_path: Path, model: ModelName) -> None:
    maps = fit_voxels(tmp_path, 0.0, model)
    assert set(maps) == {"BPND_whole", "R1"}
    np.testing.assert_allclose(values(maps["BPND_whole"]), BP_ND, rtol=0.02)


def test_smoothing_of_frames_comes_before_the_fit(tmp_path: Path) -> None:
    curves = known_curves()
    _, reference = write_tables(tmp_path, curves)
    pet, mask = write_voxels(tmp_path, curves.target)
    maps = fit_maps(pet, mask, reference, settled(), MapRule(6.0, 0.2), tmp_path).maps
    # Empty voxels around dilute the activity of these four, so that all binding falls.
    assert (values(maps["BPND_baseline"]) < BP_ND).all()


def test_weights_of_the_frames_are_a_choice(tmp_path: Path) -> None:
    """With a frame that is wrong, and of little weight, the estimates depend on it."""
    curves = known_curves()
    curves.target[-1] *= 1.1
    tables = write_tables(tmp_path, curves)
    found = {}
    for weights in ("decay", "none"):
        folder = tmp_path / weights
        folder.mkdir()
        plan = replace(settled(windows=(WHOLE,)), weights=weights)
        assert (plan.inverse_variance is None) == (weights == "none")
        found[weights] = read_table(fit_regions(*tables, plan, folder).kinpar["whole"])["BPND"]
    assert (np.abs(found["decay"] - BP_ND) < 0.8 * np.abs(found["none"] - BP_ND)).all()


def test_one_static_frame_gives_ratios_of_regions_and_voxels(tmp_path: Path) -> None:
    frame = Frames(np.array([60.0]), np.array([20.0]))
    curves = known_curves(frames=frame)
    window = Window("whole", 0.0, 80.0)
    plan = replace(
        make_plan("SUVR", (window,), None),
        t_star_min=0.0,
        axis=TimeAxis.of(frame, 0.0),
        fits_k2_prime=False,
        maps_transport=False,
    )
    tables = write_tables(tmp_path, curves, plan.axis)
    found = settle_plan(*tables, plan)
    table = read_table(fit_regions(*tables, found.plan, tmp_path).kinpar["whole"])
    ratio = curves.target[0] / curves.reference[0]
    np.testing.assert_allclose(table["SUVR"], ratio)
    assert table["SUVR-se"].isna().all()
    images = write_voxels(tmp_path, curves.target)
    maps = fit_maps(*images, tables[1], found.plan, MapRule(0.0, 0.2), tmp_path).maps
    assert set(maps) == {"BPND_whole"}
    voxels = read_image(maps["BPND_whole"]).values
    np.testing.assert_allclose(voxels[np.isfinite(voxels)], ratio - 1, rtol=1e-5)


def test_missing_minutes_widen_the_error_of_regions(tmp_path: Path) -> None:
    tables = write_tables(tmp_path, known_curves())
    whole = settled("LoganRef", (BASELINE,))
    lacking = replace(whole, missing={"baseline": Missing(4.0, 2.0)})
    narrow, wide = (
        read_table(fit_regions(*tables, plan, tmp_path).kinpar["baseline"]) for plan in (whole, lacking)
    )
    np.testing.assert_allclose(wide["BPND-se"], np.hypot(narrow["BPND-se"], 0.02 * narrow["BPND"]))


@pytest.mark.parametrize(
    ("model", "start_min"), [("LoganRef", 20.0), ("StepChange2", 12.0)], ids=["windows", "response"]
)
def test_a_simulated_contrast_begins_where_its_fit_begins(model: ModelName, start_min: float) -> None:
    """Windows are fitted on their own frames, a response on all from t* on: two steps simulate either."""
    windows = (BASELINE._replace(start_min=20.0), CHALLENGE)
    plan = make_plan(model, windows).settle(K2_PRIME, 12.0)
    contrast = plan.contrast(plan.pairs[0])
    assert contrast.baseline_min == (start_min, 40.0)
    assert contrast.challenge_min == (45.0, 90.0)
    assert (contrast.model, contrast.k2_prime) == (model, K2_PRIME)
    fitted = window_points(FRAMES, plan.first_fitted)
    assert FRAMES.mid_min[fitted].min() >= start_min
    assert FRAMES.mid_min[~fitted & (FRAMES.mid_min < 40)].max() < start_min
