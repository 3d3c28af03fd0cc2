"""Where the head lies in the windows of a scan: attenuation is corrected for one position only.

A head that has moved against its attenuation map is corrected as if it were air at one edge and bone at the other. In
an ellipse of water of the size of a head, 5 mm make 8 % at the cortex that lies in the direction of the movement (1.6 %
per mm) and nothing in the middle. 8 % of activity from the second window on are 12 % of BP_ND there; in the middle of a
window, which bends its line, they are 20 %: more than the releases that such studies look for
(`tests/imaging/test_motion_windows.py` has both numbers).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from morbids.imaging.motion_table import list_frames
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray

MOST_WITHIN_MM = 5.0
"""Between the positions of the head in two frames of one window."""
MOST_BETWEEN_MM = 5.0
"""Between its mean positions in a window and in that window's baseline."""


class WindowMotion(NamedTuple):
    """Movement in windows, and what is wrong with it.

    Attributes
    ----------
    within_mm, between_mm
        Largest mean displacement of the head between two frames of any window, and between the mean positions
        of any challenge and its baseline; None where there is nothing to compare.
    concern
        Sentences about what passes its bound.
    """

    within_mm: float | None
    between_mm: float | None
    concern: tuple[str, ...]


def measure_windows(
    positions: FloatArray,
    duration_min: FloatArray,
    windows: Mapping[str, BoolArray],
    pairs: Sequence[tuple[str, str]],
    runs: IntArray,
) -> WindowMotion:
    """Measure how far the head moves within windows and between them.

    Parameters
    ----------
    positions
        (n_frames, n_points, 3) mm, where points of the head lie in each frame; NaN where that is not known.
    duration_min
        (n_frames,) of the frames.
    windows
        (n_frames,) frames of each window, by name.
    pairs
        Names of each baseline and its challenge.
    runs
        (n_frames,) run of each frame: only frames of one run share an attenuation map.
    """
    found = [
        _measure_run(np.where((runs == run)[:, None, None], positions, np.nan), duration_min, windows, pairs)
        for run in np.unique(runs)
    ]
    within = [one.within_mm for one in found if one.within_mm is not None]
    between = [one.between_mm for one in found if one.between_mm is not None]
    concern = tuple(sentence for one in found for sentence in one.concern)
    return WindowMotion(max(within, default=None), max(between, default=None), concern)


def _measure_run(
    positions: FloatArray,
    duration_min: FloatArray,
    windows: Mapping[str, BoolArray],
    pairs: Sequence[tuple[str, str]],
) -> WindowMotion:
    """Measure the frames of one run; those of others are NaN."""
    known = np.isfinite(positions).all(axis=(1, 2))
    frames = {name: np.flatnonzero(inside & known) for name, inside in windows.items()}
    within = {name: _farthest(positions, chosen) for name, chosen in frames.items() if chosen.size > 1}
    mean = {
        name: np.average(positions[chosen], axis=0, weights=duration_min[chosen])
        for name, chosen in frames.items()
        if chosen.size
    }
    between = {
        pair: _distance_mm(mean[pair[0]], mean[pair[1]])
        for pair in pairs
        if pair[0] in mean and pair[1] in mean
    }
    return WindowMotion(
        max((farthest[0] for farthest in within.values()), default=None),
        max(between.values(), default=None),
        (*_sentences_within(within), *_sentences_between(between)),
    )


def _sentences_within(within: Mapping[str, tuple[float, int, int]]) -> list[str]:
    return [
        f"The head lies {distance:.1f} mm apart in frames {list_frames(np.array([first, second]))} of the window "
        f"{name} (at most {MOST_WITHIN_MM:g} mm expected): attenuation, corrected for one position, bends its curves."
        for name, (distance, first, second) in within.items()
        if distance > MOST_WITHIN_MM
    ]


def _sentences_between(between: Mapping[tuple[str, str], float]) -> list[str]:
    return [
        f"The head lies {distance:.1f} mm apart in the windows {baseline} and {challenge} (at most "
        f"{MOST_BETWEEN_MM:g} mm expected): attenuation, corrected for one position, makes a difference between them."
        for (baseline, challenge), distance in between.items()
        if distance > MOST_BETWEEN_MM
    ]


def _farthest(positions: FloatArray, frames: IntArray) -> tuple[float, int, int]:
    """Largest displacement between two frames, and which they are."""
    chosen: list[int] = frames.tolist()
    return max(
        (_distance_mm(positions[first], positions[second]), first, second)
        for place, first in enumerate(chosen)
        for second in chosen[place + 1 :]
    )


def _distance_mm(first: FloatArray, second: FloatArray) -> float:
    """Mean distance over the points of the head."""
    return float(np.linalg.norm(first - second, axis=1).mean())
