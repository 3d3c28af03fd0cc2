"""What can be chosen about a simulated study."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.frames import Frames
from morbids.numerics.tracer import Schedule
from morbids.simulation.effects import TASKS, Task

CARBON_11_HALF_LIFE_MIN = 20.363
BASELINE_MIN = (5.0, 40.0)
CHALLENGE_MIN = (45.0, 90.0)
FULL_PET_VOXEL_MM = 2.25
FULL_T1W_VOXEL_MM = 1.0
FULL_PARTICIPANTS = 18

_FRAME_PATTERN_MIN = ((4, 0.5), (3, 1.0), (2, 2.5), (8, 5.0), (4, 10.0))


def protocol_frames() -> Frames:
    """Return the 21 frames of the original lab: 4 x 30 s, 3 x 1, 2 x 2.5, 8 x 5 and 4 x 10 min."""
    duration = np.concatenate([np.full(count, minutes) for count, minutes in _FRAME_PATTERN_MIN])
    return Frames(np.concatenate([[0.0], np.cumsum(duration)[:-1]]), duration)


@dataclass(frozen=True)
class HeadFiles:
    """Real heads instead of the average one.

    Attributes
    ----------
    t1w
        T1w images of whole heads.
    labels
        A label image for each, numbered as Neuromorphometrics; none of them: the program's own segmentation.
    voxel_mm
        Edge of the T1w voxels that are written; None leaves them as they are.
    """

    t1w: tuple[Path, ...]
    labels: tuple[Path, ...] = ()
    voxel_mm: float | None = None

    def __post_init__(self) -> None:
        for path in (*self.t1w, *self.labels):
            if not path.is_file():
                raise MorbidsError(
                    f"There is no image {path}.", "Correct --heads or --labels.", ExitCode.USAGE
                )
        if self.labels and len(self.labels) != len(self.t1w):
            raise MorbidsError(
                f"--labels names {len(self.labels)} images, --heads {len(self.t1w)}.",
                "Give one label image for each head, in the same order.",
                ExitCode.USAGE,
            )

    def number_of(self, index: int, participants: int) -> int:
        """Which head participant `index` has: each its own while they last, else as evenly as can be."""
        return index * len(self.t1w) // max(len(self.t1w), participants)


@dataclass(frozen=True)
class StudySettings:
    """Choices that change the data.

    Attributes
    ----------
    participants
        Number of people, each with a scan per task.
    tasks
        Which of the two challenges are scanned. One scan is the same with and without the other.
    pet_voxel_mm, t1w_voxel_mm
        In-plane edge of a PET voxel (planes are 1.08 times as far apart, as on the HR+), and the T1w voxel.
    seed
        Everything random follows from it.
    null
        No effect of the challenge, no relation to traits; all other variability stays.
    noise, motion
        Factors on the noise of the PET frames and on the head's movements; 0 for none.
    psf_fwhm_mm
        Resolution of the reconstructed PET images.
    k2_prime, k4, kinetics
        Rates per minute. The default k4 is fast, so that early and late windows of a scan without release agree
        (METHODS section 6); 0.1 or less shows how an early-late contrast can fabricate an effect.
    occipital_binding
        0: the reference region binds nothing; 1: it binds as in people (BP_ND 0.2 to 0.4).
    """

    participants: int = 8
    pet_voxel_mm: float = 4.5
    t1w_voxel_mm: float = 2.0
    seed: int = 1
    null: bool = False
    noise: float = 1.0
    motion: float = 1.0
    psf_fwhm_mm: float = 5.5
    k2_prime: float = 0.1237
    k4: float = 0.3
    kinetics: Literal["two_tissue", "one_tissue"] = "two_tissue"
    occipital_binding: float = 0.0
    frames: Frames = field(default_factory=protocol_frames)
    schedule: Schedule = field(default_factory=Schedule)
    tasks: tuple[Task, ...] = TASKS

    @property
    def template_voxel_mm(self) -> float:
        """Voxel of the template that everything is made from: coarse only for images that are coarser still."""
        return 1.0 if self.t1w_voxel_mm < 3 else 2.0

    def __post_init__(self) -> None:
        positive = ("participants", "pet_voxel_mm", "t1w_voxel_mm", "k2_prime", "k4")
        not_negative = ("noise", "motion", "psf_fwhm_mm", "occipital_binding", "seed")
        for name in positive + not_negative:
            value = getattr(self, name)
            if value < 0 or (value == 0 and name in positive):
                least = "more than 0" if name in positive else "0 or more"
                raise MorbidsError(
                    f"The simulation's {name.replace('_', ' ')} is {value}.",
                    f"Give {least}.",
                    ExitCode.USAGE,
                )
