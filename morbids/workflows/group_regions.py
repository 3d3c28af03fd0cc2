"""A-priori regions of the group level: spheres, small volumes, and what people call them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from morbids.bids.tables import read_table
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.atlases import sphere_table

SPHERE_COLUMNS = ("name", "x", "y", "z", "radius_mm")
ALL, NONE = "all", "none"


@dataclass(frozen=True)
class Sphere:
    """An a-priori region: centre in mm of the template, and radius."""

    name: str
    centre_mm: tuple[float, float, float]
    radius_mm: float


@dataclass(frozen=True)
class SmallVolumes:
    """Where searches of their own are made: spheres, and mask images in template space by name."""

    spheres: tuple[Sphere, ...] = ()
    masks: Mapping[str, Path] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all of them."""
        return (*(sphere.name for sphere in self.spheres), *self.masks)


def read_spheres(path: Path | None) -> tuple[Sphere, ...]:
    """Read a-priori spheres: the user's table, or the program's own.

    Raises
    ------
    MorbidsError
        The table cannot be read, lacks a column, holds text for a number, or names a region twice.
    """
    table = sphere_table() if path is None else read_table(path, SPHERE_COLUMNS)
    spheres = []
    for row in table.to_dict("records"):
        try:
            centre = (float(row["x"]), float(row["y"]), float(row["z"]))
            sphere = Sphere(str(row["name"]), centre, float(row["radius_mm"]))
        except ValueError as error:
            raise MorbidsError(
                f"{path}: the region {row['name']} has a coordinate or radius that is no number ({error}).",
                "Give mm of the template.",
            ) from error
        if not sphere.radius_mm > 0 or not all(abs(value) < 1000 for value in centre):
            raise MorbidsError(
                f"{path}: the region {sphere.name} has the centre {centre} and the radius {sphere.radius_mm:g} mm.",
                "Give mm of the template, and a radius above 0.",
            )
        spheres.append(sphere)
    names = [sphere.name for sphere in spheres]
    twice = [name for name in names if names.count(name) > 1]
    if twice or not spheres:
        told = f"names {twice[0]} twice" if twice else "names no region"
        raise MorbidsError(f"{path} {told}.", "Give one line for each region.")
    return tuple(spheres)


def choose_small_volumes(wanted: tuple[str, ...], spheres: tuple[Sphere, ...]) -> SmallVolumes:
    """Pick spheres by name, and mask images by path.

    Raises
    ------
    MorbidsError
        A name is neither a region nor an image.
    """
    if NONE in wanted:
        return SmallVolumes()
    by_name = {sphere.name: sphere for sphere in spheres}
    chosen = dict(by_name) if ALL in wanted else {}
    masks: dict[str, Path] = {}
    for name in wanted:
        if name in by_name:
            chosen[name] = by_name[name]
        elif name.endswith((".nii", ".nii.gz")) and Path(name).is_file():
            masks[Path(name).name.partition(".")[0]] = Path(name).absolute()
        elif name != ALL:
            raise MorbidsError(
                f"--small-volume {name} is neither an a-priori region nor an image.",
                f"Regions are {', '.join(by_name)}; images end in .nii or .nii.gz.",
                ExitCode.USAGE,
            )
    return SmallVolumes(tuple(chosen.values()), masks)


def readable_region(name: str) -> str:
    """Name of a region for people: `VentralStriatum_L` becomes `Ventral striatum, left`."""
    sides = {"_L": ", left", "_R": ", right"}
    side = next((words for end, words in sides.items() if name.endswith(end)), "")
    words = re.split(r"_|(?<=[a-z])(?=[A-Z][a-z])", name[:-2] if side else name)
    # Abbreviations such as PAG and sgACC stay as they are.
    later = [word.lower() if word[1:].islower() else word for word in words[1:]]
    return " ".join([words[0], *later]) + side
