"""Ratings: who is left out, and why."""

from pathlib import Path

import pytest

from morbids.bids.ratings import read_exclusions
from morbids.errors import ExitCode, MorbidsError


def write(folder: Path, *lines: str) -> str:
    path = folder / "ratings.tsv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_names_and_rated_scans_are_left_out_with_their_reason(tmp_path: Path) -> None:
    file = write(
        tmp_path, "scan\trating\tnote", "sub-01\texclude\tmoved a lot", "sub-02\tkeep\tn/a", "sub-03\tn/a\tn/a",
        "sub-04_task-rest\texclude\tn/a",
    )  # fmt: skip
    assert read_exclusions(("sub-09", file)) == {
        "sub-09": "--exclude",
        "sub-01": "--exclude ratings.tsv, moved a lot",
        "sub-04_task-rest": "--exclude ratings.tsv",
    }


def test_notes_may_be_missing(tmp_path: Path) -> None:
    assert read_exclusions((write(tmp_path, "scan\trating", "sub-01\texclude"),)) == {
        "sub-01": "--exclude ratings.tsv"
    }


def test_a_rating_that_is_none_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, "scan\trating\tnote", "sub-01\tbad\tn/a")
    with pytest.raises(MorbidsError, match="the scan 'sub-01' has the rating 'bad'") as caught:
        read_exclusions((file,))
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_table_that_is_not_there_or_lacks_ratings_is_told(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"none\.tsv"):
        read_exclusions((str(tmp_path / "none.tsv"),))
    with pytest.raises(MorbidsError, match="rating"):
        read_exclusions((write(tmp_path, "scan", "sub-01"),))
