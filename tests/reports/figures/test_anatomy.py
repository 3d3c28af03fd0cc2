"""The T1w with its outlines, and the T1w in template space."""

from pathlib import Path

import numpy as np
import pytest

from morbids.reports.figures.anatomy import draw_brain
from morbids.reports.figures.style import write_figure
from tests.reports.conftest import Head
from tests.reports.figures.seeing import contours, key_names, slice_names


def test_the_brain_outline_has_the_size_of_the_brain(head: Head) -> None:
    figure = draw_brain(head.t1w, head.mask, head.dseg)
    assert key_names(figure) == ["grey matter", "white matter", "brain mask"]
    outlines = contours(figure)
    assert len(outlines) == 3
    polygons = outlines[-1].get_paths()[0].to_polygons(closed_only=False)
    widths = [float(np.ptp(np.asarray(polygon)[:, 0])) for polygon in polygons]
    # The widest outlines are those of the sagittal slices, which show the brain's length; pixels of 0.8 mm.
    assert max(widths) * 0.8 == pytest.approx(160, abs=5)
    assert {"L", "R"} <= set(slice_names(figure))
    assert sum(name.startswith("x ") for name in slice_names(figure)) == 6


def test_without_a_segmentation_only_the_mask_is_outlined(head: Head) -> None:
    assert key_names(draw_brain(head.t1w, head.mask, None)) == ["brain mask"]


def test_pictures_are_small_files(head: Head, tmp_path: Path) -> None:
    out = write_figure(draw_brain(head.t1w, head.mask, head.dseg), tmp_path / "brain.png")
    assert 20_000 < out.stat().st_size < 400_000
