"""Which T1w image serves a PET scan: a whole head of good resolution, from the nearest session."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from morbids.bids.filters import matches
from morbids.bids.images import read_grid
from morbids.bids.index import Image, foreign_folder
from morbids.errors import MorbidsError

# In labels of acq-, desc- and rec-: images that plan other scans, or show something else than a whole head.
_NOT_WHOLE_HEADS = ("localizer", "localiser", "scout", "survey", "spine", "calibration", "phantom")
# Entities of images of one part of a measurement.
_PARTS = ("echo", "part", "inv", "chunk", "mt")
THICK_MM = 3.0
"""Slices of localizers are thicker; brain extraction and tissue need thinner ones."""
_REASONS = {
    "is_misplaced": "the one in the folder of its own participant and session",
    "is_no_whole_head": "the one whose name tells of a whole head",
    "is_part": "the one that is not one echo or part",
    "is_thick": f"the one with slices of {THICK_MM:g} mm or less",
    "place": "the nearest to the scan",
    "is_enhanced": "the one without contrast agent",
    "name": "the first by name",
}
_PLACES = ("", "at subject level", "in another session")


class Anatomy(NamedTuple):
    """The T1w image of a scan, None when there is none, and a sentence on it (empty when there was no choice)."""

    image: Image | None
    note: str


class _Rank(NamedTuple):
    """Smaller is better, the first difference decides."""

    is_misplaced: bool
    is_no_whole_head: bool
    is_part: bool
    is_thick: bool
    place: int
    is_enhanced: bool
    name: str


def choose_t1w(
    pet: Mapping[str, str], t1ws: Iterable[Image], wanted: Mapping[str, tuple[str | None, ...]]
) -> Anatomy:
    """Choose the T1w image of a scan.

    A whole head of good resolution comes first, even from another session; then the same session, then the
    participant's folder, then another session; then an image without contrast agent; then the name.

    Parameters
    ----------
    pet
        Entities of the scan.
    wanted
        Values of entities that the user asks of T1w images.
    """
    own = [image for image in t1ws if image.entities.get("sub") == pet.get("sub")]
    fitting = [image for image in own if matches(image.entities, wanted)]
    if not fitting:
        return Anatomy(None, _none_note(pet, own))
    # Headers are opened where there is a choice only.
    several = len(fitting) > 1
    ranked = sorted((_rank(image, pet, several and _is_thick(image)), image) for image in fitting)
    return Anatomy(ranked[0][1], _note(ranked))


def _rank(image: Image, pet: Mapping[str, str], is_thick: bool) -> _Rank:
    entities = image.entities
    words = [entities.get(key, "").lower() for key in ("acq", "desc", "rec")]
    place = 0 if entities.get("ses") == pet.get("ses") else 1 if "ses" not in entities else 2
    return _Rank(
        is_misplaced=bool(foreign_folder(image)),
        is_no_whole_head=any(part in word for word in words for part in _NOT_WHOLE_HEADS),
        is_part=any(key in entities for key in _PARTS),
        is_thick=is_thick,
        place=place,
        is_enhanced="ce" in entities,
        name=image.path.name,
    )


def _is_thick(image: Image) -> bool:
    """Whether the header tells of thick slices; an image that is not here tells nothing."""
    try:
        affine = read_grid(image.path).affine
    except MorbidsError:
        return False
    edges = (affine[:3, :3] ** 2).sum(axis=0) ** 0.5
    return bool(edges.max() > THICK_MM)


def _none_note(pet: Mapping[str, str], own: Sequence[Image]) -> str:
    if not own:
        return f"sub-{pet.get('sub')} has no T1w image."
    names = ", ".join(image.path.name for image in own[:3])
    return f"sub-{pet.get('sub')} has no T1w image that fits the filter: it has {names}."


def _note(ranked: Sequence[tuple[_Rank, Image]]) -> str:
    """Say which was chosen and why, unless it is the only one of the scan's session."""
    best, image = ranked[0]
    place = _PLACES[best.place]
    # Those that are only farther away are no rivals.
    reason = _reason(best, ranked[1][0]) if len(ranked) > 1 else ""
    chosen_by_place = reason in ("", _REASONS["place"])
    if best.place == 0 and chosen_by_place:
        return ""
    if best.place == 2:
        place = f"ses-{image.entities['ses']}, {place}"
    note = f"The T1w image is {image.path.name}" + (f" ({place})" if place else "")
    if not chosen_by_place:
        equal = [rank for rank, _ in ranked if rank[:-1] == best[:-1]]
        among = len(equal) if reason == _REASONS["name"] else len(ranked)
        note += f", of {among} {reason}; choose with --bids-filter-file"
    return note + "."


def _reason(best: _Rank, next_best: _Rank) -> str:
    """What sets the chosen image before the next best."""
    pairs = zip(_Rank._fields, best, next_best, strict=True)
    return _REASONS[next((name for name, mine, other in pairs if mine != other), "name")]
