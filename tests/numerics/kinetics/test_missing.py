"""What minutes that were not stored do to models: known from curves with and without them."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.estimates import Estimates
from morbids.numerics.kinetics.missing import BOLUS, NOTHING_MISSING, Missing, missing_error
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES


def stored(keep: BoolArray) -> Frames:
    return Frames(FRAMES.start_min[keep], FRAMES.duration_min[keep])


def options(frames: Frames, k2_prime: float | None = 0.1237) -> FitOptions:
    return FitOptions(points=frames.mid_min >= 10, k2_prime=k2_prime)


def test_a_whole_scan_lacks_nothing() -> None:
    assert missing_error("LoganRef", FRAMES, options(FRAMES)) == NOTHING_MISSING
    assert missing_error("SRTM", FRAMES, FitOptions()).judge("SRTM", FRAMES, "x") == ""


@pytest.mark.parametrize("model", ["LoganRef", "MRTM2", "PatlakRef"])
def test_a_scan_from_50_min_is_refused_by_models_of_integrals(model: ModelName) -> None:
    frames = stored(FRAMES.start_min >= 50)
    missing = missing_error(model, frames, options(frames))
    assert missing.largest_percent > 30
    with pytest.raises(MorbidsError, match=r"from 0.0 to 50.0 min after injection.*Take --model SUVR"):
        missing.judge(model, frames, "late.tsv")


def test_suvr_integrates_nothing() -> None:
    frames = stored(FRAMES.start_min >= 50)
    assert missing_error("SUVR", frames, options(frames)).largest_percent < 1e-9


def test_a_model_that_the_rest_does_not_identify_is_refused() -> None:
    frames = stored(FRAMES.start_min >= 50)
    with pytest.raises(MorbidsError, match="by any amount"):
        missing_error("SRTM", frames, FitOptions()).judge("SRTM", frames, "late.tsv")


def test_the_error_of_three_minutes_covers_that_of_other_curves() -> None:
    """The truth here is on none of the grid's points, and of one tissue."""
    frames = stored(FRAMES.start_min >= 3)
    keep = FRAMES.start_min >= 3
    missing = missing_error("LoganRef", frames, options(frames))
    assert 1.0 < missing.typical_percent < missing.largest_percent < 5.0
    assert "widened" in missing.judge("LoganRef", frames, "x")
    for schedule in (BOLUS, BOLUS._replace(bolus_fraction=0.7)):
        curves = simulate_curves(
            FRAMES, np.array([0.7, 1.5, 3.0]), r1=0.95, schedule=schedule, kinetics="one_tissue"
        )
        found = fit_model("LoganRef", curves.target[keep], curves.reference[keep], frames, options(frames))
        error = 100 * (found.parameters["BPND"] / [0.7, 1.5, 3.0] - 1)
        assert np.abs(error).max() < missing.largest_percent


@pytest.mark.parametrize(
    ("model", "k2_prime", "first_min", "last_min", "expected"),
    [
        ("LoganRef", 0.1237, 0, 1, (0.3, 0.1)),
        ("LoganRef", None, 0, 1, (0.5, 0.2)),
        ("LoganRef", 0.1237, 0, 3, (3.3, 1.6)),
        ("LoganRef", None, 0, 3, (6.0, 2.0)),
        ("LoganRef", 0.1237, 0, 10, (31, 15)),
        ("LoganRef", None, 0, 10, (48, 17)),
        ("LoganRef", 0.1237, 25, 40, (4.0, 2.6)),
        ("LoganRef", None, 25, 40, (4.0, 2.0)),
        ("LoganRef", 0.1237, 0, 50, (70, 38)),
        ("LoganRef", None, 0, 50, (72, 34)),
        ("SRTM", None, 0, 1, (0.6, 0.2)),
        ("SRTM", None, 0, 3, (7.2, 2.5)),
        ("SRTM", None, 0, 10, (57, 20)),
        ("SRTM", None, 25, 40, (4.2, 2.1)),
    ],
)
def test_the_table_of_the_documentation(
    model: ModelName, k2_prime: float | None, first_min: float, last_min: float, expected: tuple[float, float]
) -> None:
    frames = stored((FRAMES.start_min < first_min) | (FRAMES.start_min >= last_min))
    points = frames.mid_min >= (10 if model == "LoganRef" else 0)
    found = missing_error(model, frames, FitOptions(points=points, k2_prime=k2_prime))
    np.testing.assert_allclose(found, expected, atol=0.06, rtol=0.03)


def test_an_unknown_k2_prime_is_tried_over_a_range() -> None:
    frames = stored(FRAMES.start_min >= 2)
    known, unknown = (missing_error("LoganRef", frames, options(frames, k2)) for k2 in (0.1237, None))
    assert unknown.largest_percent > 1.2 * known.largest_percent


def test_the_error_of_the_main_parameter_is_widened() -> None:
    estimates = Estimates(
        {"BPND": np.array([2.0]), "DVR": np.array([3.0]), "intercept": np.array([-9.0])},
        {"BPND": np.array([0.03]), "DVR": np.array([0.03]), "intercept": np.array([1.0])},
        0,
        np.array([4.0]),
    )
    wide = Missing(4.0, 2.0).widen(estimates).standard_errors
    assert wide["BPND"] == wide["DVR"] == pytest.approx(0.05)
    assert wide["intercept"] == 1.0
