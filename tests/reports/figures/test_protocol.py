"""Protocol grids."""

import numpy as np

from morbids.reports.figures.protocol import Grid, draw_protocol
from tests.reports.figures.marks import texts


def test_a_protocol_grid_writes_its_numbers_and_is_white_where_right() -> None:
    values = np.array([[0.0, 56.4], [-6.2, np.nan]])
    grid = Grid("Bias (%)", values, ["0.1", "0.3"], ["1", "2"], "k4", "BP", right=0.0, reach=60.0)
    axes = draw_protocol([grid, grid]).axes[0]
    assert texts(axes) == {"0.0", "56", "−6.2"}
    image = axes.images[0]
    assert np.asarray(image.to_rgba(np.array([[0.0]])))[0, 0, :3].min() > 0.95
    assert axes.get_title(loc="left") == "Bias (%)"
