"""A real head with its labels, brought through the steps of the program once for all parts of `heads`."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.imaging.brain import BrainExtraction, extract_brain
from morbids.imaging.images import Image, read_image
from morbids.imaging.normalization import Normalization, register_to_template
from morbids.imaging.templates import Template, find_template
from morbids.imaging.tissue import Tissue, segment_tissue
from morbids.numerics.arrays import BoolArray, IntArray

SPACE = "MNI152NLin2009cAsym"
END = "_labels.nii.gz"


class Head(NamedTuple):
    """One head and what the program made of it.

    Attributes
    ----------
    number
        Its place among the heads.
    labels, names
        Label image, and what its numbers are called.
    work
        Folder of this head.
    """

    name: str
    number: int
    t1w: Path
    labels: Image
    names: dict[int, str]
    template: Template
    brain: BrainExtraction
    normalization: Normalization
    tissue: Tissue
    work: Path

    def where(self, wanted: frozenset[str] | set[str]) -> BoolArray:
        """Voxels of labels of these names."""
        numbers = [number for number, name in self.names.items() if name in wanted]
        return np.isin(self.label_numbers, numbers)

    @property
    def label_numbers(self) -> IntArray:
        """(x, y, z) label of each voxel."""
        return np.asarray(np.round(self.labels.values).astype(np.int64))


def find_heads(data: Path) -> list[str]:
    """Names of the heads of a folder that have labels."""
    return sorted(path.name.removesuffix(END) for path in data.glob(f"*{END}"))


def prepare(data: Path, name: str, number: int, work: Path) -> Head:
    """Brain, way to the template and tissues of one head, one thread."""
    t1w = data / f"{name}.nii.gz"
    table = pd.read_csv(data / "labels.tsv", sep="\t")
    template = find_template(SPACE, 2, work / "templates")
    brain = extract_brain(t1w, template.brain, template.mask, work / "brain", 1)
    images = brain.corrected_t1w, brain.mask, template.brain, template.mask
    normalization = register_to_template(*images, work / "template", 1, brain.template_affine)
    tissue = segment_tissue(brain.corrected_t1w, brain.mask, work / "tissue", normalization.template_to_t1w)
    labels = read_image(data / f"{name}{END}")
    names = dict(zip(table["index"].tolist(), table["name"].tolist(), strict=True))
    return Head(name, number, t1w, labels, names, template, brain, normalization, tissue, work)


def dice(first: BoolArray, second: BoolArray) -> float:
    """Overlap of two masks on the same voxels, 0 to 1."""
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))
