"""Greedy in its child process: a known shift comes back, and every way to fail ends as a sentence."""

import signal
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from morbids.errors import MorbidsError
from morbids.imaging.greedy import run_greedy

pytestmark = pytest.mark.graph


def write_blobs(path: Path, origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Path:
    """Write smooth random blobs on a 2 mm grid whose first voxel is at `origin_mm`."""
    values = gaussian_filter(np.random.default_rng(0).standard_normal((24, 22, 20)), 2.5)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = origin_mm
    nib.save(nib.Nifti1Image((values * 1000).astype(np.float32), affine), path)
    return path


@pytest.mark.parametrize("name", ["a folder's name", "Study, 2019"])
def test_recovers_a_known_shift_whatever_the_folder_is_called(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    fixed = write_blobs(folder / "fixed.nii.gz")
    moving = write_blobs(folder / "moving.nii.gz", origin_mm=(1.5, -2.0, 3.0))
    matrix = folder / "shift.mat"
    start = folder / "start.mat"
    np.savetxt(start, np.eye(4))
    images = ["-i", str(fixed), str(moving), "-ia", str(start), "-o", str(matrix)]
    log = run_greedy([["-a", "-dof", "6", "-m", "SSD", "-n", "100x100", *images]], threads=1)
    assert "Final RAS Transform" in log
    # At the centre of the image: a rotation of a fraction of a degree moves the origin, a corner of the grid.
    centre = np.array([23.0, 21.0, 19.0, 1.0])
    moved = np.loadtxt(matrix) @ centre - centre
    np.testing.assert_allclose(moved[:3], [1.5, -2.0, 3.0], atol=0.3)


def test_the_same_images_end_at_the_same_place(tmp_path: Path) -> None:
    fixed = write_blobs(tmp_path / "fixed.nii.gz")
    moving = write_blobs(tmp_path / "moving.nii.gz", origin_mm=(1.5, -2.0, 3.0))
    search = ["-a", "-dof", "6", "-m", "NMI", "-n", "40x40", "-ia-identity", "-i", str(fixed), str(moving)]
    ends = [tmp_path / "first.mat", tmp_path / "second.mat"]
    for end in ends:
        run_greedy([[*search, "-o", str(end)]], threads=1)
    np.testing.assert_array_equal(np.loadtxt(ends[0]), np.loadtxt(ends[1]))


def test_error_names_the_command_that_failed(tmp_path: Path) -> None:
    fixed = write_blobs(tmp_path / "fixed.nii.gz")
    good = ["-i", str(fixed), str(fixed), "-moments", "1", "-o", str(tmp_path / "moments.mat")]
    bad = ["-a", "-i", str(fixed), str(tmp_path / "absent.nii.gz"), "-o", str(tmp_path / "x.mat")]
    with pytest.raises(MorbidsError, match=r"absent\.nii\.gz' does not exist.*-threads 1 -seed 1 -a -i"):
        run_greedy([good, bad], threads=1)
    assert (tmp_path / "moments.mat").exists()


@pytest.mark.parametrize(
    ("number", "sentence"), [(signal.SIGKILL, "want of memory"), (signal.SIGSEGV, "signal SIGSEGV")]
)
def test_killed_child_ends_as_a_sentence(
    number: signal.Signals, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "picsl_greedy.py").write_text(
        f"import os\nclass Greedy3D:\n  def execute(self, _):\n    os.kill(os.getpid(), {int(number)})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MorbidsError, match=sentence):
        run_greedy([["-version"]], threads=1)


def test_child_that_cannot_start_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picsl_greedy.py").write_text("raise ImportError('no greedy here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(MorbidsError, match="no greedy here"):
        run_greedy([["-version"]], threads=1)


def test_importing_the_runner_loads_no_registration_library() -> None:
    code = "import sys, morbids.imaging.greedy; sys.exit('picsl_greedy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
