"""A-priori regions of the group level: spheres, small volumes, and what people call them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.atlases import sphere_table
from morbids.imaging.user_atlases import read_sphere_table

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
        The user's table cannot be used.
    """
    table = sphere_table() if path is None else read_sphere_table(path)
    return tuple(
        Sphere(str(row["name"]), (float(row["x"]), float(row["y"]), float(row["z"])), float(row["radius_mm"]))
        for row in table.to_dict("records")
    )


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
