"""Files appear whole, honour the umask, and keep their time where nothing changed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from morbids.bids.writing import replace_file, write_json, write_text
from morbids.errors import ExitCode, MorbidsError


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077], indirect=True)
def test_others_may_do_what_the_umask_says(tmp_path: Path, umask: int) -> None:
    def copy(partial: Path) -> None:
        partial.write_text("x")
        partial.chmod(0o400)

    replace_file(tmp_path / "x.txt", copy)
    assert (tmp_path / "x.txt").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_text_that_is_there_already_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.json"
    write_json(path, {"a": [1, None]})
    assert json.loads(path.read_text()) == {"a": [1, None]}
    first = path.stat().st_ino
    write_json(path, {"a": [1, None]})
    assert path.stat().st_ino == first
    write_json(path, {"a": 2})
    assert path.stat().st_ino != first
    assert [one.name for one in path.parent.iterdir()] == ["x.json"]


@pytest.mark.parametrize(("keep", "kept"), [(True, True), (False, False)])
def test_the_same_content_keeps_its_time_where_that_is_asked_for(
    tmp_path: Path, keep: bool, kept: bool
) -> None:
    path = tmp_path / "x.nii.gz"
    path.write_text("same")
    os.utime(path, (1e9, 1e9))
    replace_file(path, lambda partial: partial.write_text("same"), keep_same=keep)
    assert (path.stat().st_mtime == 1e9) == kept
    replace_file(path, lambda partial: partial.write_text("other"), keep_same=keep)
    assert path.read_text() == "other"


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "x.txt", "old")

    def full(partial: Path) -> None:
        partial.write_text("ha")
        raise OSError(28, "No space left on device")

    with pytest.raises(
        MorbidsError, match=r"x\.txt cannot be written: No space left.*free space of"
    ) as caught:
        replace_file(tmp_path / "x.txt", full)
    assert caught.value.exit_code == ExitCode.CANNOT_WRITE
    assert (tmp_path / "x.txt").read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["x.txt"]


def test_the_partial_file_has_the_ending_that_writers_look_at(tmp_path: Path) -> None:
    seen: list[str] = []

    def note(partial: Path) -> None:
        seen.append(partial.name)
        partial.write_text("")

    replace_file(tmp_path / "sub-01_dseg.nii.gz", note)
    assert seen[0].startswith(".")
    assert seen[0].endswith(".nii.gz")
