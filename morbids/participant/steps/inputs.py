"""Inputs that several steps of a scan take together."""

from dataclasses import dataclass
from pathlib import Path

from morbids.engine.inputs import StepInputs


@dataclass(frozen=True)
class WayToPet(StepInputs):
    """How images of a space come to PET.

    Attributes
    ----------
    space
        A template's name, `T1w` or `petref`.
    template_to_t1w, t1w_to_pet
        Transforms.
    petref
        The PET reference image, whose grid is theirs.
    """

    space: str
    template_to_t1w: Path
    t1w_to_pet: Path
    petref: Path

    @property
    def chain(self) -> tuple[Path, ...]:
        """Transforms from the space to PET, in their order."""
        if self.space == "petref":
            return ()
        return (self.t1w_to_pet,) if self.space == "T1w" else (self.template_to_t1w, self.t1w_to_pet)


@dataclass(frozen=True)
class AtlasFiles(StepInputs):
    """An atlas in its own space: image of labels, and table of their names."""

    atlas_dseg: Path
    table: Path


@dataclass(frozen=True)
class TissueFiles(StepInputs):
    """Parts of grey matter, white matter and cerebrospinal fluid in every voxel of the T1w image."""

    gm: Path
    wm: Path
    csf: Path
