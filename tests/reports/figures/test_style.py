"""How figures are written."""

from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.font_manager import fontManager
from PIL import Image

from morbids.errors import ExitCode, MorbidsError
from morbids.reports.figures.style import (
    FONT,
    keep_shipped_font,
    new_figure,
    publish_figure,
    shade_spans,
    styled,
    write_figure,
)


def test_the_style_ends_with_the_block() -> None:
    before = matplotlib.rcParams["axes.titleweight"]
    with styled():
        assert matplotlib.rcParams["axes.titleweight"] == "bold"
    assert matplotlib.rcParams["axes.titleweight"] == before


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        figure = new_figure(2, 2)
        figure.add_subplot().plot([1, 2], [3, 4])
        write_figure(figure, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_another_edition_of_the_font_on_this_machine_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = next(font for font in fontManager.ttflist if font.name == FONT)
    installed = replace(shipped, fname="/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    monkeypatch.setattr(fontManager, "ttflist", [installed, shipped])
    keep_shipped_font.cache_clear()
    with styled():
        assert fontManager.ttflist == [shipped]


def test_a_png_keeps_rare_colours_apart_from_plenty_of_greys(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).uniform(0, 1, (300, 300, 1)).repeat(3, axis=2)
    picture[10:13, 10:13] = (0.7, 0.05, 0.1)
    picture[20:23, 20:23] = (0.1, 0.05, 0.7)
    figure = new_figure(300 / 128, 300 / 128, constrained=False)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.imshow(picture, interpolation="nearest")
    with Image.open(write_figure(figure, tmp_path / "x.png")) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
        assert image.mode == "P"
    np.testing.assert_allclose(pixels[11, 11], [178, 13, 26], atol=6)
    np.testing.assert_allclose(pixels[21, 21], [26, 13, 178], atol=6)
    assert np.abs(pixels[100:, 100:] - np.rint(picture[100:, 100:] * 255)).max() <= 3


def test_spans_are_shaded_where_they_are_and_named() -> None:
    axes = new_figure(4, 2).add_subplot()
    shade_spans(axes, [("baseline", 10.0, 40.0), ("rejection", 45.0, 90.0)])
    assert [(patch.get_x(), patch.get_width()) for patch in axes.patches] == [(10.0, 30.0), (45.0, 45.0)]  # type: ignore[attr-defined]
    assert [text.get_text() for text in axes.texts] == ["baseline", "rejection"]


def test_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"cannot be written as x\.pdf"):
        write_figure(new_figure(1, 1), tmp_path / "x.pdf")
    with pytest.raises(MorbidsError, match=r"cannot be written as x\.gif"):
        publish_figure(new_figure(1, 1), tmp_path / "x.gif", dpi=72)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MorbidsError, match=r"file/x\.svg cannot be written") as caught:
        write_figure(new_figure(1, 1), tmp_path / "file" / "x.svg")
    assert caught.value.exit_code == ExitCode.CANNOT_WRITE
