"""Every participant's values at the places of a contrast, condition by condition, and the figure of each place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import read_table, write_table
from morbids.group.places import ShownPlace
from morbids.group.regions import Sphere
from morbids.group.steps.maps import read_map
from morbids.group.steps.regions import SCAN, Values, average_sides, draw_sphere, tidy
from morbids.imaging.images import Image, read_image
from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.place_table import PLACE_COLUMNS, PlaceLook, PlaceMaps, draw_from_table
from morbids.reports.figures.style import write_figure


class PlaceValues(NamedTuple):
    """A row per place and scan, a column per condition."""

    table: Path


class PlacePictures(NamedTuple):
    """The figures, by `desc`."""

    pictures: dict[str, Path]


def measure_places(
    conditions: tuple[str, ...],
    maps: Sequence[Path],
    tables: Sequence[Path],
    parameter: str,
    labels: tuple[str, ...],
    places: tuple[ShownPlace, ...],
    clusters: Path,
    spheres: tuple[Sphere, ...],
    average: bool,
    trait_values: Mapping[str, float],
    out_dir: Path,
) -> PlaceValues:
    """Take the values of regions from tables, else from spheres of the maps; those of clusters from the maps.

    Parameters
    ----------
    conditions, maps
        Names of the conditions, and the maps of every row, condition after condition.
    tables, parameter
        Tables of regional estimates in the same order, and their column; empty where there are none.
    places
        What is measured.
    clusters
        Image of cluster numbers.
    average
        Whether left and right are one region.
    trait_values
        By label; NaN and those that are missing have none.
    """
    number = read_image(clusters).values
    columns: dict[str, dict[str, FloatArray]] = {}
    for start, condition in enumerate(conditions):
        own = slice(start * len(labels), (start + 1) * len(labels))
        volumes = [read_map(path) for path in maps[own]]
        if tables:
            regions = _from_tables(tables[own], parameter, labels)
        else:
            regions = _from_spheres(volumes, spheres, read_image(maps[0]), labels)
        regions = average_sides(regions) if average else regions
        found = dict(zip(regions.names, regions.values.T, strict=True))
        for place in places:
            if place.cluster:
                found[place.name] = np.array([_mean(volume[number == place.cluster]) for volume in volumes])
        columns[condition] = found
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
    template_brain: Path,
    template_mask: Path,
    out_dir: Path,
) -> PlacePictures:
    """Draw the places that are `shown` (their `desc` by name)."""
    values = read_table(table, PLACE_COLUMNS)
    maps = PlaceMaps(statistic, claimed, template_brain, template_mask)
    pictures = {}
    for name, desc in shown.items():
        own = values[values["place"] == name]
        if len(own):
            figure = draw_from_table(own, maps, PlaceLook(*look))
            pictures[desc] = write_figure(figure, out_dir / f"{desc}.svg")
    return PlacePictures(pictures)


def _from_spheres(
    volumes: Sequence[FloatArray], spheres: tuple[Sphere, ...], grid: Image, labels: tuple[str, ...]
) -> Values:
    inside = [draw_sphere(sphere, grid) for sphere in spheres]
    means = np.array([[_mean(volume[voxels]) for voxels in inside] for volume in volumes])
    return Values(tuple(sphere.name for sphere in spheres), labels, means)


def _from_tables(paths: Sequence[Path], parameter: str, labels: tuple[str, ...]) -> Values:
    read = [read_table(path, ("name", parameter)) for path in paths]
    names = tuple(map(str, read[0]["name"]))
    return Values(names, labels, np.array([table[parameter].to_numpy(dtype=float) for table in read]))


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
