"""Label images, masks and tables of spheres that the user brings.

A label image has a table of names: beside it, or, as for segmentations of FreeSurfer in derivatives of other
programs, further up in the dataset with fewer entities. A mask is one region and needs no table. The space
is in the file's name; an image of one participant without `space-` lies in T1w space, or in PET space when
it comes from a folder `pet`, as BIDS has it.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.names import ParsedName, entity_label, parse_name
from morbids.bids.tables import read_table
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.images import read_image

IMAGE_EXTENSIONS = (".nii", ".nii.gz")
SPHERE_COLUMNS = ("name", "x", "y", "z", "radius_mm")
FARTHEST_MM = 1000.0
INDIVIDUAL_SPACES = ("T1w", "petref")
"""Spaces of one participant; all others are templates."""
_OTHER_NAMES = {"pet": "petref", "orig": "petref", "petref": "petref", "T1w": "T1w", "individual": "T1w"}
_NAMING = ("seg", "atlas", "label", "desc")


class UserRegions(NamedTuple):
    """What the user's label image holds.

    Attributes
    ----------
    labels
        A row per region: index, name, tissue. Regions of an individual's own segmentation are `any` unless the
        table says otherwise: it has found the tissue itself.
    space
        `T1w`, `petref` or a template.
    """

    labels: pd.DataFrame
    space: str


def file_label(path: Path) -> str:
    """Value of `seg-` or `label-` for a user's file: what its name says, else the name itself."""
    named = parse_name(path)
    for key in _NAMING:
        if key in named.entities:
            return entity_label(named.entities[key])
    return entity_label(path.name.partition(".")[0])


def check_user_file(path: Path) -> None:
    """Refuse a path that is not there.

    Raises
    ------
    MorbidsError
        The file does not exist.
    """
    if not path.exists():
        raise MorbidsError(f"{path} does not exist.", "Check the path.", ExitCode.NO_INPUT)


def read_user_regions(path: Path) -> UserRegions:
    """Read the table of a label image, or make that of a mask.

    Raises
    ------
    MorbidsError
        No table, columns or names are missing or come twice, the space is not said, or a mask holds other
        values than 0 and 1.
    """
    named = parse_name(path)
    space = image_space(path)
    if named.suffix == "mask":
        return UserRegions(_mask_region(path), space)
    labels = read_table(_find_table(path, named), ("index", "name"))
    labels["name"] = labels["name"].astype(str)
    if labels["index"].duplicated().any() or labels["name"].duplicated().any():
        raise MorbidsError(
            f"The table of {path} names an index or a region twice.", "Make both columns unique."
        )
    labels = labels[labels["index"] != 0].reset_index(drop=True)
    if "tissue" not in labels:
        labels["tissue"] = "any" if space in INDIVIDUAL_SPACES else "gm"
    return UserRegions(labels, space)


def read_sphere_table(path: Path) -> pd.DataFrame:
    """Read a table of spheres (name, x, y, z, radius_mm; mm of the template), and number them.

    Raises
    ------
    MorbidsError
        The table cannot be read, lacks a column, holds text for a number, or names a region twice.
    """
    table = read_table(path, SPHERE_COLUMNS)
    spheres: pd.DataFrame = table[list(SPHERE_COLUMNS[1:])].apply(pd.to_numeric, errors="coerce")
    names = table["name"].astype(str)
    wrong = ~(spheres.abs() < FARTHEST_MM).all(axis=1) | (spheres["radius_mm"] <= 0)
    if wrong.any():
        raise MorbidsError(
            f"{path}: the region {names[wrong].iloc[0]} has a coordinate or radius that is no number of mm.",
            "Give mm of the template, and a radius above 0.",
        )
    if names.duplicated().any() or names.empty:
        told = f"names {names[names.duplicated()].iloc[0]} twice" if len(names) else "names no region"
        raise MorbidsError(f"{path} {told}.", "Give one line for each region.")
    spheres.insert(0, "index", np.arange(1, len(table) + 1))
    spheres.insert(1, "name", names)
    spheres["tissue"] = table.get("tissue", "any")
    return spheres


def sphere_space(path: Path) -> str | None:
    """Template that a table of spheres is in, where its name says so."""
    named = parse_name(path).entities
    return named.get("space", named.get("tpl"))


def image_space(path: Path) -> str:
    """Space of a label image or mask, which only its name tells.

    Raises
    ------
    MorbidsError
        It is of no participant, and names no space.
    """
    named = parse_name(path)
    said = named.entities.get("space", named.entities.get("tpl"))
    if said is not None:
        return _OTHER_NAMES.get(said, said)
    if "sub" in named.entities:
        return "petref" if path.parent.name == "pet" else "T1w"
    raise MorbidsError(
        f"The name of {path} does not say its space.",
        "Add `space-T1w` or `tpl-<template>`.",
    )


def _find_table(path: Path, named: ParsedName) -> Path:
    """Table beside an image, else the nearest one further up whose entities the image has."""
    beside = path.with_name(f"{path.name.removesuffix(named.extension)}.tsv")
    if beside.exists():
        return beside
    for folder in path.parents[: 4 if "sub" in named.entities else 1]:
        for table in sorted(folder.glob(f"*_{named.suffix}.tsv")):
            if parse_name(table).entities.items() <= named.entities.items():
                return table
    raise MorbidsError(
        f"{beside} does not exist.",
        f"An atlas is a label image with a table {beside.name} beside it (columns index and name).",
        ExitCode.NO_INPUT,
    )


def _mask_region(path: Path) -> pd.DataFrame:
    found = np.unique(np.nan_to_num(read_image(path).values))
    if not set(found.tolist()) <= {0.0, 1.0}:
        raise MorbidsError(f"The mask {path} holds values other than 0 and 1.", "Set a threshold first.")
    return pd.DataFrame({"index": [1], "name": [file_label(path)], "tissue": ["any"]})
