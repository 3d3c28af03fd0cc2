"""Maps: colours, limits, outlines and peaks."""

from pathlib import Path

import numpy as np
import pytest

from morbids.imaging.images import read_image, write_image
from morbids.reports.figures.maps import (
    Backcloth,
    Emphasis,
    Peak,
    draw_difference_map,
    draw_parametric_map,
    draw_peaks,
    draw_statistic_map,
)
from tests.reports.conftest import Head
from tests.reports.figures.seeing import bar_limits, contours, key_names, overlay, slice_names


def test_a_difference_map_is_centred_on_zero_and_names_both_signs(head: Head) -> None:
    figure = draw_difference_map(head.signed, Backcloth(head.t1w, head.mask), label="Δ")
    low, high = bar_limits(figure)
    assert low == pytest.approx(-high)
    assert high == pytest.approx(0.9, abs=0.1)  # 99.5th percentile of |x| / 60 mm on the slices
    assert {"deactivation", "activation", "Δ"} <= {text.get_text() for text in figure.axes[2].texts}
    colours = overlay(figure)
    strongest = colours[..., 3] > 0.99
    red, blue = colours[..., 0] > colours[..., 2], colours[..., 0] < colours[..., 2]
    # World x is positive on the right of each axial slice.
    row = colours.shape[0] // 6
    first, last = np.flatnonzero((strongest & blue)[row]).min(), np.flatnonzero((strongest & red)[row]).max()
    assert first < last


def test_small_differences_let_anatomy_through(head: Head) -> None:
    figure = draw_difference_map(head.signed, Backcloth(head.t1w, head.mask), label="Δ", extreme=1.0)
    opacity = overlay(figure)[..., 3]
    assert opacity.max() == pytest.approx(1)
    assert 0 < opacity[opacity > 0].min() < 0.05


def test_a_parametric_map_starts_at_zero_and_ends_where_told(head: Head) -> None:
    figure = draw_parametric_map(head.signed, Backcloth(head.t1w, head.mask), label="BP", highest=0.8)
    assert bar_limits(figure) == pytest.approx((0, 0.8))


def test_what_is_claimed_is_outlined(head: Head) -> None:
    backcloth = Backcloth(head.t1w, head.mask)
    emphasis = Emphasis(head.mask, "|t| > 0.5", 0.2, ("rises", "falls"))
    figure = draw_statistic_map(head.signed, backcloth, emphasis, label="t")
    assert {"rises", "falls"} <= {text.get_text() for axes in figure.axes for text in axes.texts}
    assert key_names(figure) == ["|t| > 0.5"]
    assert [list(outline.levels) for outline in contours(figure)] == [[0.5]]
    tints = overlay(figure)[..., 3]
    assert tints.max() == pytest.approx(1)
    assert (tints == 1).sum() > 2 * (tints[tints < 1] > 0.5).sum()


def test_contrasts_of_one_kind_can_share_their_colours_and_the_threshold_lies_on_the_bar(head: Head) -> None:
    backcloth = Backcloth(head.t1w, head.mask)
    emphasis = Emphasis(head.mask, "claimed", 0.5, threshold=2.5)
    figure = draw_statistic_map(head.signed, backcloth, emphasis, label="t", extreme=3.0)
    assert bar_limits(figure) == pytest.approx((-3.0, 3.0))
    assert sorted(np.asarray(line.get_xdata())[0] for line in figure.axes[2].lines) == [-2.5, 2.5]
    effect = draw_statistic_map(
        head.signed, backcloth, emphasis, colours=head.t1w, label="effect", extreme=7.0
    )
    assert bar_limits(effect) == pytest.approx((-7.0, 7.0))
    assert list(effect.axes[2].lines) == [], "the threshold is one of the statistic"


def test_nothing_is_outlined_when_nothing_is_claimed(head: Head, tmp_path: Path) -> None:
    backcloth = Backcloth(head.t1w, head.mask)
    mask = read_image(head.mask)
    nowhere = write_image(np.zeros_like(mask.values), mask.affine, tmp_path / "nowhere.nii.gz")
    figure = draw_statistic_map(head.signed, backcloth, Emphasis(nowhere, "nothing passes", 0.5), label="t")
    assert contours(figure) == []
    assert key_names(figure) == ["nothing passes"]


def test_each_peak_has_three_planes_and_its_name(head: Head) -> None:
    peaks = [Peak("accumbens", 10, 8, -8), Peak("thalamus", 0, -14, 8), Peak("amygdala", 22, -4, -18)]
    emphasis = Emphasis(head.mask, "|t| > 0.5", 0.5)
    figure = draw_peaks(head.signed, Backcloth(head.t1w, head.mask), peaks, emphasis, label="t")
    names = slice_names(figure)
    assert [name for name in names if name in {"accumbens", "thalamus", "amygdala"}] == [
        "accumbens",
        "thalamus",
        "amygdala",
    ]
    assert [name for name in names if name.startswith("y ")] == ["y 8", "y −14", "y −4"]
