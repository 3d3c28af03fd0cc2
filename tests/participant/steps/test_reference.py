"""What is said of a reference region by its curve."""

from pathlib import Path

import numpy as np
import pytest

from morbids.imaging.images import write_image
from morbids.numerics.frames import TimeAxis
from morbids.numerics.tracer import simulate_curves
from morbids.participant.steps.curves import CurveTable, read_curves, write_curves
from morbids.participant.steps.inputs import WayToPet
from morbids.participant.steps.reference import ReferenceVerdict, extract_reference, judge_reference
from tests.participant.steps.known_scan import AXIS, FRAMES, K2_PRIME, make_plan


def judge(folder: Path, reference_bp_nd: float, volume_ml: float) -> ReferenceVerdict:
    """Judge a reference among a region without binding, one that binds, and one without voxels."""
    curves = simulate_curves(FRAMES, np.array([0.0, 1.0, reference_bp_nd]), k2_prime=K2_PRIME).target
    tissue = np.column_stack([curves[:, :2], np.full(FRAMES.n_frames, np.nan)])
    write_curves(folder / "c.tsv", CurveTable(("free", "bound", "absent"), tissue), AXIS)
    write_curves(folder / "r.tsv", CurveTable(("occipital",), curves[:, 2:]), AXIS)
    (folder / "t.tsv").write_text(f"name\tvolume_ml\nfree\t{volume_ml}\nbound\t50\nabsent\t0\n")
    return judge_reference(folder / "c.tsv", folder / "t.tsv", folder / "r.tsv", make_plan())


def test_a_reference_that_binds_is_a_concern(tmp_path: Path) -> None:
    verdict = judge(tmp_path, 0.3, 20.0)
    assert "occipital keeps tracer longer than 1 other regions (free;" in verdict.concern
    assert verdict.lowest_ratio == pytest.approx(1 / 1.3, abs=0.05)


def test_a_free_reference_and_a_small_witness_are_none(tmp_path: Path) -> None:
    free = judge(tmp_path, 0.0, 20.0)
    assert free.concern == ""
    assert free.lowest_ratio == pytest.approx(1.0)
    assert judge(tmp_path, 0.3, 2.0).concern == ""


def test_nothing_is_said_where_no_region_serves(tmp_path: Path) -> None:
    write_curves(tmp_path / "c.tsv", CurveTable(("a",), np.ones((FRAMES.n_frames, 1))), AXIS)
    (tmp_path / "t.tsv").write_text("name\tvolume_ml\na\t0.2\n")
    verdict = judge_reference(tmp_path / "c.tsv", tmp_path / "t.tsv", tmp_path / "c.tsv", make_plan())
    assert verdict == ReferenceVerdict("", None, None)


def test_the_way_to_pet_depends_on_the_space() -> None:
    template, t1w = Path("template.h5"), Path("t1w.txt")
    chains = {
        space: WayToPet(space, template, t1w, Path("petref.nii.gz")).chain
        for space in ("petref", "T1w", "MNI152NLin2009cAsym")
    }
    assert chains == {"petref": (), "T1w": (t1w,), "MNI152NLin2009cAsym": (template, t1w)}


@pytest.mark.parametrize("shape", [(2, 2, 1), (2, 2, 1, 1)])
def test_one_frame_is_averaged_with_and_without_an_axis_of_time(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    affine = np.eye(4)
    pet = write_image(np.array([1.0, 2.0, 3.0, 9.0]).reshape(shape), affine, tmp_path / "pet.nii.gz")
    mask = write_image(np.array([1, 1, 1, 0]).reshape(2, 2, 1), affine, tmp_path / "mask.nii.gz")
    found = extract_reference(pet, mask, "cerebellum", TimeAxis((60.0,), (20.0,), 0.0), tmp_path)
    np.testing.assert_allclose(read_curves(found.curves).curves, [[2.0]])
    assert found.noise == pytest.approx(np.std([1, 2, 3]) / 2)
