"""A scan in one picture: panels for what is known, words for what is not."""

import numpy as np
import pytest

from morbids.numerics.frames import Frames
from morbids.reports.figures.curves import Curves
from morbids.reports.figures.overview import Overview, draw_overview
from morbids.reports.figures.protocol import Reading
from tests.reports.conftest import Head


@pytest.mark.parametrize("readings", [(), (Reading("PAG", -2.0, 3.0, 9.0, 1.0),)])
def test_the_last_panel_is_there_where_a_change_is_read(head: Head, readings: tuple[Reading, ...]) -> None:
    frames = Frames(np.array([0.0, 10.0]), np.array([10.0, 20.0]))
    curves = Curves(np.ones((2, 1)), ["PAG"], np.ones(2))
    figure = draw_overview(
        Overview(head.t1w, head.mask, frames, [], None, curves, ["PAG"], "kBq/mL", readings)
    )
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "head motion is not known" in texts
    assert len(figure.axes) == 3 + len(readings)
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert ("baseline minus challenge (% of baseline)" in labels) == bool(readings)
