"""Draw the frames of a scan before and after they were realigned."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.imaging.images import Image, read_frames, read_image
from morbids.imaging.motion import SHORTEST_FRAME_MIN
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.participant.kinetic_plan import KineticPlan
from morbids.participant.steps.figures import Pictures, spans_of
from morbids.reports.figures.frames import carpet_of, draw_carpets, draw_frames
from morbids.reports.figures.slices import Volume
from morbids.reports.figures.style import write_figure

MOST_FRAMES = 7


def picture_frames(pet: Path, corrected_pet: Path, mask: Path, plan: KineticPlan, out_dir: Path) -> Pictures:
    """Slices of frames over the scan, and a carpet of the voxels of the brain, both before and after.

    Parameters
    ----------
    pet, corrected_pet
        4D, the frames as they were acquired and realigned; one grid.
    mask
        Brain in the PET reference.
    """
    brain, frames = read_image(mask), plan.frames
    inside = brain.values > 0.5
    long_enough = np.asarray(frames.duration_min) >= SHORTEST_FRAME_MIN
    chosen = _spread(long_enough)
    before, after = (_look_at(path, brain, chosen) for path in (pet, corrected_pet))
    names = [f"{frames.mid_min[frame]:.0f} min" for frame in chosen]
    outline = inside.astype(np.float32)
    strip = draw_frames(before.volumes, after.volumes, Volume(outline, brain.affine), names)
    weights = frames.duration_min * long_enough
    acquired, realigned = (carpet_of(seen.voxels, weights) for seen in (before, after))
    carpet = draw_carpets(acquired, realigned, frames, spans_of(plan), long_enough)
    return Pictures(
        {
            "frames": write_figure(strip, out_dir / "frames.png"),
            "carpet": write_figure(carpet, out_dir / "carpet.png"),
        }
    )


class _Seen(NamedTuple):
    """What is shown of a series: some of its volumes, and all frames of the brain's voxels (n_voxels, n_frames)."""

    volumes: list[Volume]
    voxels: FloatArray


def _look_at(pet: Path, brain: Image, chosen: list[int]) -> _Seen:
    """Read a series frame by frame, so that it is never in memory as a whole."""
    volumes, voxels = [], []
    for frame, volume in enumerate(read_frames(pet)):
        voxels.append(np.asarray(volume)[brain.values > 0.5])
        if frame in chosen:
            volumes.append(Volume(np.array(volume), brain.affine))
    return _Seen(volumes, np.stack(voxels, axis=1))


def _spread(usable: BoolArray) -> list[int]:
    """Usable frames, evenly over the scan; all frames where none is."""
    places = np.flatnonzero(usable) if usable.any() else np.arange(len(usable))
    taken = np.unique(np.linspace(0, len(places) - 1, MOST_FRAMES).round().astype(int))
    return [int(places[place]) for place in taken]
