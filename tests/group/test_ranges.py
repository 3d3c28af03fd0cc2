"""Ranges of colours: one per kind of contrast, and no threshold beyond its end."""

from pathlib import Path

import numpy as np
import pytest

from morbids.group.claims import judge_claims
from morbids.group.locate import Found
from morbids.group.ranges import BEYOND, height_of_claims, kind_of, share_ranges
from morbids.imaging.images import read_image
from tests.group.group_maps import save
from tests.group.test_claims import make_found


def with_effect(found: Found, largest: float) -> Found:
    """An effect that ends at `largest`."""
    values = np.clip(read_image(found.maps["t"]).values, 0, 1) * largest
    effect = save(values, found.mask.with_name("effect.nii.gz"))
    return found._replace(maps={**found.maps, "effect": effect})


def test_contrasts_of_one_kind_share_the_range_of_the_largest(tmp_path: Path) -> None:
    found = [
        with_effect(make_found(tmp_path, "first", (1e-6, 0.3), 9.0), 0.2),
        with_effect(make_found(tmp_path, "second", (0.5, 0.2), 5.0), 0.7),
        with_effect(make_found(tmp_path, "slope", (0.5, 0.02), 3.0, "trait"), 0.1),
    ]
    claims = judge_claims(found, "max-t")
    ranges = share_ranges(found, claims)
    assert kind_of(found[0]) == kind_of(found[1]) != kind_of(found[2])
    first, slope = ranges[kind_of(found[0])], ranges[kind_of(found[2])]
    assert first.effect == pytest.approx(0.7)
    assert first.statistic == pytest.approx(9.0)
    assert slope.effect == pytest.approx(0.1)
    critical = height_of_claims(claims.questions[2])
    assert critical is not None
    assert slope.statistic == pytest.approx(BEYOND * critical), "the map stays below its threshold"
