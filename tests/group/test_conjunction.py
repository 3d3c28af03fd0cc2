"""What every change from baseline claims: regions by the largest p, voxels by sign."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from morbids.group.claims import Claims, judge_claims
from morbids.group.conjunction import find_conjunction, write_shared_voxels
from morbids.imaging.images import read_image
from tests.group.test_claims import make_found


def claims_of(folder: Path, p_second: float, maximum: float) -> tuple[Claims, list[Path]]:
    found = [
        make_found(folder, "first", (1e-6, 0.3), 9.0),
        make_found(folder, "another", (p_second, 0.3), maximum),
        make_found(folder, "slope", (1e-6, 0.3), 9.0, "trait"),
    ]
    return judge_claims(found, "max-t"), [one.mask for one in found]


def test_what_both_changes_claim_has_the_larger_p(tmp_path: Path) -> None:
    claims, masks = claims_of(tmp_path, 1e-5, 9.0)
    found = find_conjunction(claims)
    assert found is not None
    assert len(found.titles) == 2
    (region,) = found.regions
    assert (region.label, region.direction) == ("PAG", "activation")
    assert region.p_page == max(one.regions[0].p_page for one in claims.questions[:2])
    assert found.sentence.startswith("Claimed of all of first: a − b and another: a − b")
    # The slope claims the same places and is no change from baseline.
    path = tmp_path / "shared.nii.gz"
    n_voxels = write_shared_voxels(claims, masks, path)
    brain = claims.questions[0].brain
    assert brain is not None
    assert n_voxels == np.sum(brain.located.signs > 0) > 0
    assert read_image(path).values.sum() == n_voxels
    assert path.with_name("shared.json").exists()


def test_what_one_change_claims_alone_is_not_shared(tmp_path: Path) -> None:
    claims, masks = claims_of(tmp_path, 0.5, 5.0)
    found = find_conjunction(claims)
    assert found is not None
    assert found.regions == ()
    assert found.sentence.startswith("No region is claimed of all of")
    assert write_shared_voxels(claims, masks, tmp_path / "shared.nii.gz") == 0


def test_opposite_directions_are_no_conjunction(tmp_path: Path) -> None:
    claims, _ = claims_of(tmp_path, 1e-5, 9.0)
    first, second, slope = claims.questions
    falls = tuple(region._replace(effect=-region.effect) for region in second.regions)
    opposite = replace(claims, questions=(first, replace(second, regions=falls), slope))
    found = find_conjunction(opposite)
    assert found is not None
    assert found.regions == ()


def test_one_change_has_no_conjunction(tmp_path: Path) -> None:
    found = [make_found(tmp_path, "first", (1e-6, 0.3), 9.0)]
    assert find_conjunction(judge_claims(found, "max-t")) is None
