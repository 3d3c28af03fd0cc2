"""Captions and words for those who cannot see the figure."""

from pathlib import Path
from typing import get_args

import pytest

from morbids.reports.captions import FigureKind, FlickerKind, figure, flicker


@pytest.mark.parametrize("kind", get_args(FigureKind))
def test_every_kind_of_figure_has_caption_and_words_for_those_who_cannot_see_it(kind: FigureKind) -> None:
    block = figure(kind, Path("x.svg"), "Rejection.")
    assert block.caption.startswith("Rejection. ")
    assert block.caption.endswith(".")
    assert len(block.alt) > 25


@pytest.mark.parametrize("kind", get_args(FlickerKind))
def test_every_kind_of_flicker_has_both(kind: FlickerKind) -> None:
    block = flicker(kind, ("T1w", Path("a.png")), ("PET", Path("b.png")))
    assert (block.first_name, block.second) == ("T1w", Path("b.png"))
    assert block.caption.endswith(".")
    assert len(block.alt) > 20
