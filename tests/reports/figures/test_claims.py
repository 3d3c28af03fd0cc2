"""The picture of all claims: what is filled is what is claimed."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from morbids.reports.figures.claims import ClaimedEffect, Panel, draw_claims

WORDS = ("activation", "deactivation")


def test_filled_marks_are_claimed_and_all_panels_share_one_symmetric_axis() -> None:
    first = Panel(
        "rejection", WORDS,
        [
            ClaimedEffect("PAG", 0.3, 0.2, 0.4, True, (-0.1, 0.05), (0.1, 0.5)),
            ClaimedEffect("Amygdala", -0.1, -0.6, 0.1, False, None, (-0.8, 0.3)),
        ],
    )  # fmt: skip
    second = Panel(
        "acceptance",
        WORDS,
        [ClaimedEffect("Amygdala", math.nan, math.nan, math.nan, False, None, (-math.inf, math.inf))],
    )
    figure = draw_claims([first, second], label="change of BP_ND")
    left, right = figure.axes
    marks = [line for line in left.lines if line.get_marker() == "o"]
    filled = [to_hex(str(mark.get_markerfacecolor())) != "#ffffff" for mark in marks]
    assert [np.asarray(mark.get_xdata()).item() for mark in marks] == [0.3, -0.1]
    assert filled == [True, False]
    assert left.get_xlim() == right.get_xlim()
    assert left.get_xlim()[0] == -left.get_xlim()[1]
    assert left.get_xlim()[1] > 0.8
    thin = [np.asarray(line.get_xdata()).tolist() for line in left.lines if line.get_linewidth() < 1]
    assert thin == [[0.1, 0.5], [-0.8, 0.3]], "the intervals for all tests at once"
    (bar,) = left.patches
    assert bar.get_path().get_extents(bar.get_patch_transform()).intervalx.tolist() == pytest.approx(
        [-0.1, 0.05]
    )
    assert [text.get_text().strip() for text in right.texts] == ["not testable"]
