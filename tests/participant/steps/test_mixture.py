"""White matter and fluid through the steps: shares are averaged like curves, and regions and voxels read the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from morbids.bids.tables import read_table
from morbids.bids.windows import Window
from morbids.imaging.images import read_image, write_image
from morbids.imaging.transforms import write_itk
from morbids.numerics.frames import TimeAxis
from morbids.numerics.kinetics.mixture import Head, Mixture, mix, simulate_tissues
from morbids.numerics.tracer import BOLUS_INFUSION, Release
from morbids.participant.steps.curves import (
    SLOW_TISSUES,
    CurveTable,
    extract_curves,
    read_shares,
    save_curves,
    save_shares,
)
from morbids.participant.steps.inputs import TissueFiles
from morbids.participant.steps.kinetics import MapRule, difference_name, fit_maps, fit_regions, settle_plan
from morbids.participant.steps.mixture import UNMIXED, SlowFiles, mix_tissue, told_head
from morbids.participant.steps.reference import extract_reference
from tests.imaging.tissue_phantom import FWHM_MM, write_phantom
from tests.participant.steps.known_scan import (
    AXIS,
    BASELINE,
    FRAMES,
    K2_PRIME,
    make_plan,
    settled,
    write_tables,
    write_voxels,
)

CHALLENGE = Window("rejection", 45, 90)
WINDOWS = (BASELINE, CHALLENGE)
HEAD = Head((Mixture(0.6, 0.3, 0.1),), Mixture(0.7, 0.15, 0.15))
PARTS = (HEAD.regions[0].white, 0.0, HEAD.regions[0].fluid)
"""White matter of the first of two kinds, and fluid."""
BP_ND = np.array([0.8, 1.2, 2.0, 2.8])


@pytest.fixture
def mixed(tmp_path: Path) -> dict[str, Path]:
    """Tables of a scan of mixed tissue in which binding falls by 10 %, and its voxels."""
    tissues = simulate_tissues(
        FRAMES,
        BP_ND,
        k2_prime=K2_PRIME,
        k4=0.3,
        schedule=BOLUS_INFUSION,
        change=-0.1,
        release=Release(45.0, 90.0),
    )
    curves = mix(tissues, HEAD)
    regions, reference = write_tables(tmp_path, curves)
    pet, mask = write_voxels(tmp_path, curves.target)
    slow = np.stack([tissues.white, tissues.grey[:, 0], tissues.fluid], axis=1)
    parts = np.zeros((*read_image(mask).values.shape, 3), dtype=np.float32)
    parts[...] = PARTS
    of_reference = np.array([[HEAD.reference.white, 0.0, HEAD.reference.fluid]])
    folders = [tmp_path / name for name in ("slow", "regions", "reference")]
    for folder in folders:
        folder.mkdir()
    return {
        "curves": regions,
        "reference_curve": reference,
        "pet": pet,
        "mask": mask,
        "slow_curves": save_curves(CurveTable(SLOW_TISSUES, slow), AXIS, folders[0]).curves,
        "shares": save_shares(("a", "b", "c", "d"), np.tile(PARTS, (4, 1)), folders[1]),
        "reference_shares": save_shares(("occipital",), of_reference, folders[2]),
        "image": write_image(parts, read_image(pet).affine, tmp_path / "shares.nii.gz"),
    }


def slow_files(mixed: dict[str, Path], shares: str = "shares") -> SlowFiles:
    return SlowFiles(mixed["slow_curves"], mixed[shares], mixed["reference_shares"])


def test_regions_read_the_change_where_fits_of_the_whole_curve_do_not(
    tmp_path: Path, mixed: dict[str, Path]
) -> None:
    grey, white, fluid = HEAD.regions[0]
    volume = HEAD.reference.grey + 1.15 * HEAD.reference.white + HEAD.reference.fluid
    true = -10 * grey * BP_ND / (grey * (1 + BP_ND) + 1.15 * white + fluid - volume)
    plan = make_plan("StepChange2", WINDOWS, None)
    tables = mixed["curves"], mixed["reference_curve"]
    errors = []
    for told in (UNMIXED, slow_files(mixed)):
        own = settle_plan(*tables, plan, told).plan
        found = fit_regions(*tables, own, tmp_path, told)
        errors.append(np.abs(read_table(found.kinpar["response"])["BPNDchange"] / true - 1).max())
    assert 1.5 * errors[1] < errors[0]


def test_voxels_read_what_regions_read(tmp_path: Path, mixed: dict[str, Path]) -> None:
    plan = settled("StepChange2", WINDOWS)
    regions = fit_regions(mixed["curves"], mixed["reference_curve"], plan, tmp_path, slow_files(mixed))
    voxels = fit_maps(
        mixed["pet"],
        mixed["mask"],
        mixed["reference_curve"],
        plan,
        MapRule(smoothing_fwhm_mm=0.0, least_baseline=0.2),
        tmp_path,
        slow_files=slow_files(mixed, "image"),
    )
    percent = read_image(voxels.maps[difference_name("BPND", CHALLENGE, percent=True)]).values
    inside = read_image(mixed["mask"]).values > 0
    change = read_table(regions.kinpar["response"])["BPNDchange"].to_numpy(dtype=float)
    np.testing.assert_allclose(np.sort(percent[inside]), np.sort(-change), rtol=1e-3)


def test_shares_are_averaged_with_curves(tmp_path: Path, mixed: dict[str, Path]) -> None:
    table, dseg = tmp_path / "names.tsv", tmp_path / "dseg.nii.gz"
    mask = read_image(mixed["mask"])
    write_image(mask.values.astype(np.int32), mask.affine, dseg)
    table.write_text("index\tname\n1\tall\n")
    found = extract_curves(mixed["pet"], dseg, table, AXIS, tmp_path / "out", mixed["image"])
    assert found.shares is not None
    np.testing.assert_allclose(read_shares(found.shares), [PARTS], rtol=1e-6)
    assert extract_curves(mixed["pet"], dseg, table, AXIS, tmp_path / "out").shares is None
    reference = extract_reference(
        mixed["pet"], mixed["mask"], "occipital", AXIS, tmp_path / "reference", mixed["image"]
    )
    assert (reference.white_share, reference.fluid_share) == pytest.approx(HEAD.regions[0][1:])


def test_a_head_is_told_of_the_shares_and_nothing_of_none(mixed: dict[str, Path]) -> None:
    slow = slow_files(mixed).of_regions()
    assert slow is not None
    head = told_head(slow)
    np.testing.assert_allclose(head.reference, HEAD.reference, atol=1e-6)
    np.testing.assert_allclose(head.regions, np.tile(HEAD.regions[0], (4, 1)), atol=1e-6)
    assert UNMIXED.of_regions() is None
    assert replace(slow_files(mixed), slow_curves=None).of_regions() is None


@pytest.mark.parametrize(
    ("fluid_radius", "white_radius", "told"),
    [
        (4.0, 8.0, "white matter and fluid fitted apart, white matter as around each voxel"),
        (
            0.9,
            8.0,
            "white matter fitted apart, as around each voxel; fluid together with grey matter",
        ),
        (6.9, 7.0, "fluid fitted apart; white matter together with grey matter"),
        (0.0, 1.0, "white matter and fluid fitted together with grey matter"),
    ],
)
def test_a_sidecar_says_what_of_mixed_tissue_could_be_told(
    tmp_path: Path, fluid_radius: float, white_radius: float, told: str
) -> None:
    phantom = write_phantom(tmp_path, fluid_radius, white_radius)
    gm, wm, csf = phantom.tissues
    nothing = write_itk(np.eye(4), tmp_path / "identity_xfm.txt")
    found = mix_tissue(
        phantom.pet,
        phantom.mask,
        TissueFiles(gm, wm, csf),
        nothing,
        (FWHM_MM,) * 3,
        TimeAxis((0.0, 1.0), (1.0, 1.0), 0.0),
        tmp_path,
    )
    assert found.fitted_apart == told
    assert len(found.notes) == (white_radius < 8) + (fluid_radius < 1)
