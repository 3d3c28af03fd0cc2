"""What can be drawn anew of a contrast: slices, one place, the a-priori regions."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure
from platformdirs import user_cache_dir

from morbids.bids.names import output_path
from morbids.bids.tables import read_table
from morbids.errors import ExitCode, MorbidsError
from morbids.figures.contrasts import Contrast, places_of
from morbids.imaging.templates import Template, find_template
from morbids.numerics.statistics.regions import RegionTests
from morbids.reports.figures.group import draw_forest
from morbids.reports.figures.maps import Backcloth, Emphasis, draw_statistic_map
from morbids.reports.figures.place_table import (
    PLACE_COLUMNS,
    PlaceLook,
    PlaceMaps,
    conditions_of,
    draw_from_table,
)
from morbids.reports.figures.slices import Counts, Orientation

SLICES = Counts()


class Look(NamedTuple):
    """What the user may choose.

    Attributes
    ----------
    place
        Of a figure of one place.
    views
        Orientations of slices.
    threshold
        Height from which colours are full; None for the one that forms clusters.
    extreme
        End of the colours; None for the 99.5th percentile.
    size_in
        Width and height; None for what suits the figure.
    """

    place: str | None
    views: tuple[Orientation, ...]
    threshold: float | None
    extreme: float | None
    size_in: tuple[float, float] | None


def draw_map(contrast: Contrast, look: Look) -> Figure:
    """Slices of the statistic through the whole brain."""
    return _draw_slices(contrast, look, contrast.statistic, contrast.statistic_name)


def draw_effect(contrast: Contrast, look: Look) -> Figure:
    """Slices of the effect, faded by the statistic."""
    return _draw_slices(contrast, look, contrast.path("statistical_map", stat="effect"), contrast.quantity)


def draw_place(contrast: Contrast, look: Look) -> Figure:
    """The map at a place, every participant before and after, and the trait of a slope.

    Raises
    ------
    MorbidsError
        No place of that name.
    """
    known = places_of(contrast)
    if look.place not in known:
        raise MorbidsError(
            f"There is no place '{look.place}'." if look.place else "A figure of a place needs --place.",
            f"There are {', '.join(known)}.",
            ExitCode.USAGE,
        )
    table = read_table(contrast.path("regions", desc="places"), PLACE_COLUMNS)
    alone = len(conditions_of(table)) == 1
    template = _template()
    maps = PlaceMaps(contrast.statistic, contrast.path("claimed_mask"), template.brain, template.mask)
    drawn = PlaceLook(
        contrast.statistic_name,
        contrast.rule,
        _opaque_from(contrast, look),
        contrast.critical,
        look.extreme,
        contrast.directions,
        contrast.quantity if alone else contrast.quantity.removeprefix("change of "),
        contrast.trait,
        look.views,
    )
    if look.size_in:
        drawn = drawn._replace(size_in=look.size_in)
    return draw_from_table(table[table["place"] == look.place], maps, drawn)


def draw_regions(contrast: Contrast, _: Look) -> Figure:
    """Effects of the a-priori regions with their intervals; filled marks are claimed.

    Raises
    ------
    MorbidsError
        The question is one of F, whose regions have no effect.
    """
    table = read_table(contrast.path("regions"))
    if "effect" not in table:
        raise MorbidsError(
            f"'{contrast.name}' asks by F whether several means differ: its regions have no one effect.",
            "Draw the questions to pairs of them.",
            ExitCode.USAGE,
        )
    claims = read_table(output_path(contrast.output_dir, {}, "claims", {"model": contrast.model}))
    own = claims[(claims["contrast"] == contrast.name) & (claims["test"] == "region")]
    p_page = own.set_index("name")["p_page"].reindex(table["name"]).to_numpy(dtype=float)
    known = table.reindex(columns=RegionTests._fields)
    tests = RegionTests(*(known[name].to_numpy() for name in known))
    return draw_forest(tests, list(table["label"]), contrast.directions, p_page, label=contrast.quantity)


class Drawing(NamedTuple):
    """A figure, and the options that say how it looks."""

    draw: Callable[[Contrast, Look], Figure]
    takes: frozenset[str] = frozenset()


_OF_SLICES = frozenset({"views", "threshold", "range"})
DRAWINGS: Mapping[str, Drawing] = {
    "map": Drawing(draw_map, _OF_SLICES),
    "effect": Drawing(draw_effect, _OF_SLICES),
    "place": Drawing(draw_place, _OF_SLICES | {"place"}),
    "regions": Drawing(draw_regions),
}
OPTIONS = _OF_SLICES | {"place"}


def _draw_slices(contrast: Contrast, look: Look, colours: Path, label: str) -> Figure:
    counts = Counts(*(n if view in look.views else 0 for view, n in zip(Counts._fields, SLICES, strict=True)))
    template = _template()
    backcloth = Backcloth(template.brain, template.mask, counts)
    emphasis = Emphasis(
        contrast.path("claimed_mask"),
        contrast.rule,
        _opaque_from(contrast, look),
        contrast.directions,
        contrast.critical,
    )
    return draw_statistic_map(
        contrast.statistic, backcloth, emphasis, colours=colours, label=label, extreme=look.extreme
    )


def _opaque_from(contrast: Contrast, look: Look) -> float:
    return look.threshold if look.threshold is not None else float(contrast.test["ClusterFormingHeight"])


def _template() -> Template:
    """Maps of all spaces are drawn on this template, by their mm, as on the pages."""
    return find_template("MNI152NLin2009cAsym", 2, Path(user_cache_dir("morbids")) / "templates")
