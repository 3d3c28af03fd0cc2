"""Every participant's values at the places of a contrast, condition by condition, and the figure of each place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import read_table, write_table
from morbids.group.places import ShownPlace
from morbids.group.regions import Sphere
from morbids.group.steps.figures import TemplateFiles
from morbids.group.steps.maps import ConditionMaps, read_map
from morbids.group.steps.regions import SCAN, Values, average_sides, draw_sphere, means_of, tidy
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.place_table import PLACE_COLUMNS, PlaceLook, PlaceMaps, draw_from_table
from morbids.reports.figures.style import write_figure


class PlaceValues(NamedTuple):
    """A row per place and scan, a column per condition."""

    table: Path


class RegionSource(NamedTuple):
    """Where values of regions come from.

    Attributes
    ----------
    tables, parameter
        Tables of regional estimates, condition after condition, and their column; without tables the spheres.
    average
        Whether left and right are one region.
    """

    tables: tuple[Path, ...]
    parameter: str
    spheres: tuple[Sphere, ...]
    average: bool


class PlacePictures(NamedTuple):
    """The figures, by `desc`."""

    pictures: dict[str, Path]


def measure_places(
    people: ConditionMaps,
    regions: RegionSource,
    places: tuple[ShownPlace, ...],
    clusters: Path,
    trait_values: Mapping[str, float],
    out_dir: Path,
) -> PlaceValues:
    """Take the values of regions from tables, else from spheres of the maps; those of clusters from the maps.

    Parameters
    ----------
    people
        Everyone's maps.
    places
        What is measured.
    clusters
        Image of cluster numbers.
    trait_values
        By label; NaN and those that are missing have none.
    """
    number, labels = read_image(clusters).values, people.labels
    grid = read_image(people.maps[0])
    of_spheres = [] if regions.tables else [draw_sphere(sphere, grid) for sphere in regions.spheres]
    # As indices: hundreds of clusters are small, and each is looked up in everyone's maps.
    of_clusters = {place.name: np.nonzero(number == place.cluster) for place in places if place.cluster}
    columns: dict[str, dict[str, FloatArray]] = {}
    for start, condition in enumerate(people.conditions):
        own = slice(start * len(labels), (start + 1) * len(labels))
        means = np.array(
            [means_of(read_map(path), [*of_spheres, *of_clusters.values()]) for path in people.maps[own]]
        )
        if regions.tables:
            values = _from_tables(regions.tables[own], regions.parameter, labels)
        else:
            names = tuple(sphere.name for sphere in regions.spheres)
            values = Values(names, labels, means[:, : len(of_spheres)])
        values = average_sides(values) if regions.average else values
        found = dict(zip(values.names, values.values.T, strict=True))
        columns[condition] = found | dict(zip(of_clusters, means[:, len(of_spheres) :].T, strict=True))
    table = _tabulate(columns, places, labels, trait_values)
    write_table(tidy(table), out_dir / "places.tsv")
    return PlaceValues(out_dir / "places.tsv")


def _tabulate(
    columns: Mapping[str, Mapping[str, FloatArray]],
    places: tuple[ShownPlace, ...],
    labels: tuple[str, ...],
    trait: Mapping[str, float],
) -> pd.DataFrame:
    traits = [trait.get(label, np.nan) for label in labels]
    parts = [
        pd.DataFrame(
            dict(zip(PLACE_COLUMNS, (place.name, place.label, place.kind, *place.centre_mm), strict=True))
            | {SCAN: labels}
            | {condition: found[place.name] for condition, found in columns.items()}
            | ({"trait": traits} if trait else {})
        )
        for place in places
        if all(place.name in found for found in columns.values())
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*PLACE_COLUMNS, SCAN])


def picture_places(
    table: Path,
    shown: Mapping[str, str],
    look: PlaceLook,
    statistic: Path,
    claimed: Path,
    template: TemplateFiles,
    out_dir: Path,
) -> PlacePictures:
    """Draw the places that are `shown` (their `desc` by name)."""
    values = read_table(table, PLACE_COLUMNS)
    maps = PlaceMaps(statistic, claimed, template.template_brain, template.template_mask)
    pictures = {}
    for name, desc in shown.items():
        own = values[values["place"] == name]
        if len(own):
            figure = draw_from_table(own, maps, look)
            pictures[desc] = write_figure(figure, out_dir / f"{desc}.svg")
    return PlacePictures(pictures)


def _from_tables(paths: Sequence[Path], parameter: str, labels: tuple[str, ...]) -> Values:
    read = [read_table(path, ("name", parameter)) for path in paths]
    names = tuple(map(str, read[0]["name"]))
    return Values(names, labels, np.array([table[parameter].to_numpy(dtype=float) for table in read]))
