"""Linear transforms: independent readers agree, chains and inverses are exact, parameters come back."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from nitransforms.linear import LinearTransformsMapping, load

from morbids.errors import MorbidsError
from morbids.imaging import transforms
from morbids.numerics.arrays import FloatArray

POINTS_MM = np.random.default_rng(1).uniform(-80, 80, (20, 3))
PARAMETERS = np.array([3.0, -5.0, 7.0, 0.1, -0.2, 0.3])


def move(matrix: FloatArray, points_mm: FloatArray = POINTS_MM) -> FloatArray:
    """Points (n, 3) in RAS mm carried by a matrix."""
    moved: FloatArray = points_mm @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def test_nitransforms_maps_points_as_we_do(tmp_path: Path) -> None:
    matrix = transforms.rigid_matrix(PARAMETERS)
    path = transforms.write_itk(matrix, tmp_path / "x_xfm.txt")
    np.testing.assert_allclose(load(path, fmt="itk").map(POINTS_MM), move(matrix), atol=1e-5)


def test_nitransforms_reads_one_matrix_per_frame(tmp_path: Path) -> None:
    matrices = np.stack([transforms.rigid_matrix(PARAMETERS * share) for share in (0.0, 0.5, 1.0)])
    path = transforms.write_itk(matrices, tmp_path / "x_xfm.txt")
    theirs = load(path, fmt="itk")
    assert isinstance(theirs, LinearTransformsMapping)
    np.testing.assert_allclose(theirs.matrix, matrices, atol=1e-6)
    np.testing.assert_allclose(transforms.read_itk(path), matrices, atol=1e-12)


def test_simpleitk_maps_points_as_we_do(tmp_path: Path) -> None:
    matrix = transforms.rigid_matrix(PARAMETERS)
    theirs = sitk.ReadTransform(str(transforms.write_itk(matrix, tmp_path / "x_xfm.txt")))
    flip = np.array([-1, -1, 1])
    np.testing.assert_allclose(theirs.TransformPoint(POINTS_MM[0] * flip) * flip, move(matrix)[0], atol=1e-9)


@pytest.mark.parametrize(
    "theirs",
    [
        sitk.Euler3DTransform((10.0, 20.0, 30.0), 0.1, 0.2, -0.3, (1.0, 2.0, 3.0)),
        sitk.VersorRigid3DTransform((0.1, 0.2, 0.3, 0.9), (4.0, 5.0, 6.0), (10.0, 20.0, 30.0)),
        sitk.AffineTransform((1.1, 0.1, 0, 0, 0.9, 0, 0.2, 0, 1), (1.0, 2.0, 3.0), (10.0, 20.0, 30.0)),
        sitk.TranslationTransform(3, (1.0, 2.0, 3.0)),
    ],
)
def test_reads_every_linear_type_that_itk_writes(theirs: sitk.Transform, tmp_path: Path) -> None:
    path = tmp_path / "theirs.txt"
    sitk.WriteTransform(theirs, str(path))
    flip = np.array([-1, -1, 1])
    expected = [np.array(theirs.TransformPoint((point * flip).tolist())) * flip for point in POINTS_MM]
    np.testing.assert_allclose(move(transforms.read_itk(path)[0]), expected, atol=1e-6)


def test_the_inverse_of_a_chain_brings_points_back() -> None:
    first = transforms.rigid_matrix(PARAMETERS)
    second = transforms.rigid_matrix(-0.5 * PARAMETERS, np.array([10.0, 0.0, -20.0]))
    chain = first @ second
    np.testing.assert_allclose(move(transforms.invert(chain), move(chain)), POINTS_MM, atol=1e-10)


def test_parameters_come_back_around_any_centre() -> None:
    centre = np.array([5.0, -30.0, 40.0])
    matrix = transforms.rigid_matrix(PARAMETERS, centre)
    np.testing.assert_allclose(transforms.rigid_parameters(matrix, centre)[0], PARAMETERS, atol=1e-12)
    np.testing.assert_allclose(move(matrix, centre[None])[0] - centre, PARAMETERS[:3], atol=1e-12)


def test_framewise_displacement_by_hand() -> None:
    parameters = np.array([[0, 0, 0, 0, 0, 0], [1, -2, 0.5, 0, 0, 0], [1, -2, 0.5, 0.01, 0, -0.02]])
    displacement = transforms.framewise_displacement(parameters)
    assert np.isnan(displacement[0])
    np.testing.assert_allclose(displacement[1:], [3.5, 50 * 0.03])


def test_greedy_matrix_round_trip(tmp_path: Path) -> None:
    matrix = transforms.rigid_matrix(PARAMETERS)
    path = transforms.write_greedy(matrix, tmp_path / "x.mat")
    np.testing.assert_allclose(transforms.read_greedy(path), matrix, atol=1e-10)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 0 0 0\n", "is not an ITK text transform"),
        ("#Insight Transform File V1.0\n", "holds no transform"),
        (
            "#Insight Transform File V1.0\n#Transform 0\nTransform: BSplineTransform_double_3_3\n",
            "BSplineTransform', which is not linear",
        ),
    ],
)
def test_files_that_are_no_linear_transform_are_refused(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "x_xfm.txt"
    path.write_text(text)
    with pytest.raises(MorbidsError, match=sentence):
        transforms.read_itk(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x_xfm.txt"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(MorbidsError, match="cannot be read as an ITK text transform"):
        transforms.read_itk(path)


def test_absent_transform_is_named(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match="absent_xfm"):
        transforms.read_itk(tmp_path / "absent_xfm.txt")
