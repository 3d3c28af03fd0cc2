"""What the benchmark of faults takes for a half-written file, and when it kills."""

import random
from pathlib import Path

import pytest

from benchmarks.faults import draw_gaps, half_written


def test_kills_of_a_life_are_moments_of_one_run() -> None:
    gaps = draw_gaps(5, 40.0, random.Random(1))
    assert len(gaps) == 5
    assert all(gap >= 0 for gap in gaps)
    assert sum(gaps) < 40.0


@pytest.mark.parametrize(
    ("name", "content", "whole"),
    [
        ("group.html", "<html>\n", False),
        ("group.html", "<html></html>\n", True),
        ("sub-01_tacs.tsv", "a\tb\n1\t", False),
        ("sub-01_tacs.tsv", "a\tb\n1\t2\n", True),
        ("sub-99_tacs.tsv", "a\tb\n1\t2\n", False),
        (".unfinished", "a", True),
    ],
)
def test_a_file_that_differs_under_its_final_name_is_half_written(
    name: str, content: str, whole: bool, tmp_path: Path
) -> None:
    out, reference = tmp_path / "out", tmp_path / "reference"
    for folder in (out, reference):
        folder.mkdir()
    (reference / "sub-01_tacs.tsv").write_text("a\tb\n1\t2\n")
    (out / name).write_text(content)
    assert (half_written(out, reference) == []) == whole
