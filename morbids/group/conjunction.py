"""What is claimed of every change from baseline at once: the conjunction of the questions.

The smallest statistic of several questions exceeds a threshold where each of them does, so that its p is the largest of
theirs (Nichols 2005, NeuroImage 25:653). What is claimed of each question is therefore claimed of all together, without
a test of its own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.bids.names import sidecar_path
from morbids.bids.sidecars import mask_sidecar
from morbids.bids.writing import write_json
from morbids.group.claims import FIRST_FAMILY, Claims, QuestionClaims, RegionClaim
from morbids.group.steps.maps import MNI_CODE
from morbids.imaging.images import read_image, write_image
from morbids.reports.numbers import format_p


class SharedRegion(NamedTuple):
    """A region that is claimed in every question, in one direction; p is the largest of theirs."""

    label: str
    direction: str
    p_page: float


class Conjunction(NamedTuple):
    """What all questions about the change from baseline claim."""

    titles: tuple[str, ...]
    regions: tuple[SharedRegion, ...]

    @property
    def sentence(self) -> str:
        """For the first screen."""
        of = f"{', '.join(self.titles[:-1])} and {self.titles[-1]}"
        if not self.regions:
            return f"No region is claimed of all of {of} (conjunction)."
        listed = ", ".join(
            f"{one.direction} in {one.label} (p {format_p(one.p_page)})" for one in self.regions
        )
        return f"Claimed of all of {of} (conjunction, the largest p of them): {listed}."


def find_conjunction(claims: Claims) -> Conjunction | None:
    """Regions that all questions about the change from baseline claim; None where there are not two of them."""
    questions = _changes(claims)
    if len(questions) < 2:
        return None
    by_name = [{region.name: region for region in one.claimed_regions} for one in questions]
    shared = [[own[name] for own in by_name] for name in by_name[0] if all(name in own for own in by_name)]
    regions = tuple(_shared(regions, questions[0]) for regions in shared if _agree(regions))
    return Conjunction(tuple(one.comparison.title for one in questions), regions)


def _changes(claims: Claims) -> list[QuestionClaims]:
    return [one for one in claims.questions if one.comparison.family == FIRST_FAMILY]


def _agree(regions: Sequence[RegionClaim]) -> bool:
    return len({np.sign(region.effect) for region in regions}) == 1


def _shared(regions: Sequence[RegionClaim], question: QuestionClaims) -> SharedRegion:
    direction = question.comparison.directions[0 if regions[0].effect > 0 else 1]
    return SharedRegion(regions[0].label, direction, max(region.p_page for region in regions))


def write_shared_voxels(claims: Claims, masks: Sequence[Path], path: Path) -> int:
    """Write the voxels that every question about the change from baseline claims in one direction; return their number.

    Parameters
    ----------
    masks
        Tested voxels of each question of the page, in its order, on one grid.
    """
    grid = read_image(masks[0])
    total = np.zeros(grid.values.shape)
    questions = _changes(claims)
    for one, mask in zip(claims.questions, masks, strict=True):
        if one in questions and one.brain is not None and one.brain.located.signs.size:
            total[read_image(mask).values > 0.5] += one.brain.located.signs
    shared = np.abs(total) == len(questions)
    write_image(shared.astype(np.int32), grid.affine, path, code=MNI_CODE)
    described = "Voxels that the page claims of every change from baseline, in one direction"
    write_json(sidecar_path(path), mask_sidecar(described, [], "Brain"))
    return int(shared.sum())
