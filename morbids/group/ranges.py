"""Ranges of colours that contrasts of one kind share, so that their pictures can be compared."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from morbids.bids.names import stat_label
from morbids.group.claims import Claims, QuestionClaims
from morbids.group.locate import Found
from morbids.imaging.images import read_image

# Colours end at this percentile of the absolute values of the map with the largest: single voxels do not pale the rest.
PERCENTILE = 99.9
# A threshold lies this far inside the colour bar at least.
BEYOND = 1.15
_Key = tuple[str, str, str]


class Extremes(NamedTuple):
    """Ends of the symmetric colour bars of the statistic and of the effect."""

    statistic: float
    effect: float


def share_ranges(found: Sequence[Found], claims: Claims) -> Mapping[_Key, Extremes]:
    """Ends of the colours by kind of contrast (see `kind_of`): none of them cuts off a threshold."""
    ranges: dict[_Key, Extremes] = {}
    for one in found:
        own, key = _measure(one, claims.of(one.comparison)), kind_of(one)
        ranges[key] = Extremes(*np.maximum(own, ranges.get(key, own)).tolist())
    return ranges


def kind_of(found: Found) -> _Key:
    """What contrasts have in common whose pictures have one range: kind of question, quantity, statistic."""
    comparison = found.comparison
    # A slope's effect is per unit of its trait.
    quantity = f"{comparison.quantity} by {comparison.trait}" if comparison.trait else comparison.quantity
    return comparison.family, quantity, str(found.summary["Statistic"])


def height_of_claims(question: QuestionClaims | None) -> float | None:
    """Height from which the map itself is claimed; None where it is not the map's height that is judged."""
    brain = question.brain if question is not None else None
    if brain is None or brain.statistic != "t" or not np.isfinite(brain.critical):
        return None
    return brain.critical


def _measure(found: Found, question: QuestionClaims | None) -> Extremes:
    statistic = str(found.summary["Statistic"])
    height = _extreme(found, stat_label(statistic))
    # Of several contrasts at once there is no single effect, and the share of variance is drawn.
    effect = "effect" if "effect" in found.maps else "r2"
    thresholds = [float(found.summary["ClusterFormingHeight"]), height_of_claims(question) or 0.0]
    return Extremes(max(height, BEYOND * max(thresholds)), _extreme(found, effect))


def _extreme(found: Found, name: str) -> float:
    values = np.abs(read_image(found.maps[name]).values)
    known = values[np.isfinite(values)]
    return float(np.percentile(known, PERCENTILE)) if known.size else 1.0
