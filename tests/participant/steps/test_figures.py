"""Pictures of a scan: drawn from the tables and images of known scans, under the names that pages look for."""

from pathlib import Path

import numpy as np
import pytest

from morbids.bids.windows import Window
from morbids.imaging.images import read_image, write_image
from morbids.numerics.kinetics.model_names import ModelName
from morbids.participant.steps.figures import (
    ReferenceFiles,
    label_of_parameter,
    picture_maps,
    picture_reference,
    picture_registration,
    plot_curves,
    plot_estimates,
    plot_fits,
    plot_k2_prime,
    plot_logan,
    plot_motion,
    plot_t_star,
)
from morbids.participant.steps.kinetics import fit_regions
from tests.participant.steps.known_scan import (
    FRAMES,
    NAMES,
    known_curves,
    make_plan,
    settled,
    write_tables,
)
from tests.participant.steps.test_pet import write_shift

pytestmark = pytest.mark.graph

AFFINE = np.diag([6.0, 6.0, 6.0, 1.0])
SHAPE = (12, 14, 12)


def write_ball(path: Path, radius: float, value: float = 1.0) -> Path:
    """Write a ball in the middle of the image."""
    places = np.indices(SHAPE) - (np.array(SHAPE)[:, None, None, None] - 1) / 2
    inside = np.sqrt((places**2).sum(axis=0)) <= radius
    return write_image((inside * value).astype(np.float32), AFFINE, path)


def test_every_plot_names_its_regions(tmp_path: Path) -> None:
    tables, plan = write_tables(tmp_path, known_curves(-0.2)), settled()
    kinpar = fit_regions(*tables, plan, tmp_path).kinpar
    pictures = [
        plot_curves(*tables, plan, "kBq/mL", tmp_path).picture,
        plot_logan(*tables, plan, tmp_path).picture,
        plot_estimates(kinpar, "BPND", tmp_path).picture,
        plot_k2_prime(*tables, plan, tmp_path).picture,
        plot_t_star(*tables, plan, tmp_path).picture,
        *plot_fits(*tables, plan, "kBq/mL", tmp_path).pictures.values(),
    ]
    assert len({path.name for path in pictures}) == 7, "no picture overwrites another"
    for path in pictures:
        text = path.read_text()
        assert all(name in text for name in NAMES), path.name


@pytest.mark.parametrize("model", ["SRTM", "MRTM1", "SUVR", "MRTM2"])
def test_fits_are_drawn_for_other_models_too(tmp_path: Path, model: ModelName) -> None:
    windows = (Window("whole", 0, 90),) if model in ("SRTM", "MRTM1") else (Window("late", 45, 90),)
    tables = write_tables(tmp_path, known_curves())
    plan = settled(model, windows)
    kinpar = fit_regions(*tables, plan, tmp_path).kinpar
    assert plot_estimates(kinpar, "BPND", tmp_path).picture.is_file()


def test_the_fit_of_a_response_is_one_picture_of_the_whole(tmp_path: Path) -> None:
    tables = write_tables(tmp_path, known_curves(-0.2))
    (name, path), *others = plot_fits(*tables, settled("StepChange2"), "kBq/mL", tmp_path).pictures.items()
    assert (name, others) == ("fitsresponse", [])
    assert "residual" in path.read_text()


def test_the_motion_plot_reads_the_confounds(tmp_path: Path) -> None:
    names = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z", "framewise_displacement"]
    lines = ["\t".join([*names, "motion_borrowed", "motion_outlier"])]
    lines += [
        "\t".join(["0.5"] * 6 + ["n/a" if frame == 0 else "0.1", "0", "0"])
        for frame in range(FRAMES.n_frames)
    ]
    (tmp_path / "confounds.tsv").write_text("\n".join(lines) + "\n")
    assert "mm" in plot_motion(tmp_path / "confounds.tsv", make_plan(), tmp_path).picture.read_text()


def test_registration_is_drawn_without_interpolation(tmp_path: Path) -> None:
    """The picture of the PET moves by its affine: where the transform takes the image, there it is drawn."""
    petref = write_ball(tmp_path / "pet.nii.gz", 4, 10.0)
    mask, dseg = write_ball(tmp_path / "mask.nii.gz", 5), write_ball(tmp_path / "dseg.nii.gz", 3)
    way = write_shift(tmp_path / "way.txt", 5.0)
    folder = tmp_path / "out"
    folder.mkdir()
    assert picture_registration(petref, way, mask, dseg, "kBq/mL", folder).picture.stat().st_size > 1000
    moved = read_image(folder / "petref.nii")
    np.testing.assert_allclose(moved.affine[:3, 3], [5, 0, 0], atol=1e-5)
    np.testing.assert_array_equal(moved.values, read_image(petref).values)

    pictures = picture_reference(
        petref, ReferenceFiles(dseg, dseg), mask, mask, way, "occipital", "kBq/mL", folder
    ).pictures
    assert set(pictures) == {"reference", "referenceT1w"}
    np.testing.assert_allclose(read_image(folder / "t1w.nii").affine[:3, 3], [-5, 0, 0], atol=1e-5)


def test_every_map_of_a_scan_has_its_picture(tmp_path: Path) -> None:
    brain = write_ball(tmp_path / "brain.nii.gz", 5)
    names = ("BPND_baseline", "BPND_rejection", "BPND_difference_rejection", "R1")
    maps = {name: write_ball(tmp_path / f"{name}.nii.gz", 5, 1.5) for name in names}
    pictures = picture_maps(maps, brain, brain, make_plan(), tmp_path).pictures
    assert set(pictures) == {"baseline", "rejection", "R1", "differencerejection"}
    assert all(path.stat().st_size > 1000 for path in pictures.values())


def test_parameters_are_written_with_their_units() -> None:
    assert label_of_parameter("BPND") == "$BP_{ND}$"
    assert label_of_parameter("k2") == "k2 (1/min)"
