"""Folders that many scans ask about."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from morbids.bids.folders import list_files, walk_participants


def test_a_folder_is_listed_again_only_when_it_has_changed(
    tmp_path: Path, note_paths: Callable[[str], list[str]]
) -> None:
    (tmp_path / "a_pet.json").write_text("{}")
    (tmp_path / "a_events.tsv").write_text("")
    os.utime(tmp_path, (1e9, 1e9))
    listed = note_paths("listdir")
    for _ in range(3):
        assert list_files(tmp_path, "pet.json") == (tmp_path / "a_pet.json",)
    assert len(listed) == 1
    (tmp_path / "b_pet.json").write_text("{}")
    for _ in range(2):
        assert list_files(tmp_path, "pet.json") == (tmp_path / "a_pet.json", tmp_path / "b_pet.json")
    assert len(listed) == 3, "what has changed just now may change again before the clock moves on"


def test_a_folder_that_cannot_be_listed_has_no_files(tmp_path: Path) -> None:
    assert list_files(tmp_path / "absent", "pet.json") == ()


@pytest.mark.parametrize("n_kinds", [1, 5])
def test_files_of_participants_are_found_with_one_look_at_each_folder(
    tmp_path: Path, n_kinds: int, note_paths: Callable[[str], list[str]]
) -> None:
    for path in ("sub-02/pet/b", "sub-01/ses-a/pet/a", "sub-01/anat/c", "sub-01/x", "group/d", "sub-03.html"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        for kind in range(n_kinds):
            (tmp_path / f"{path}{kind}").write_text("")
    (tmp_path / "sub-02" / "link").symlink_to(tmp_path / "sub-01")
    listed = note_paths("scandir")
    found = [str(path.relative_to(tmp_path)) for path in walk_participants(tmp_path)]
    kinds = range(n_kinds)
    expected = [*(f"sub-01/x{k}" for k in kinds), *(f"sub-01/anat/c{k}" for k in kinds)]
    expected += [*(f"sub-01/ses-a/pet/a{k}" for k in kinds), *(f"sub-02/pet/b{k}" for k in kinds)]
    assert found == expected
    assert len(listed) == len(set(listed)) == 7, "the root, two participants and four folders of theirs"
