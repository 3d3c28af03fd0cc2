"""Two output folders side by side."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from benchmarks.compare import main
from morbids.imaging.images import write_image

pytestmark = pytest.mark.graph


def write_output(root: Path, *, value: float = 1.0, shift_mm: float = 2.0, field: str = "1") -> Path:
    folder = root / "sub-01"
    values = np.full((3, 4, 5), value, dtype=np.float32)
    values[0, 0, 0] = np.nan
    write_image(values, np.eye(4), folder / "map.nii.gz")
    (folder / "map.json").write_text(json.dumps({"Version": field, "Same": 1, "CommandLine": str(root)}))
    (folder / "table.tsv").write_text("a\tb\n1\t2\n")
    (root / "sub-01.html").write_text(str(root))
    (root / ".work").mkdir()
    (root / ".work" / "step").write_text(str(root))
    transform = sitk.CompositeTransform([sitk.TranslationTransform(3, (0.0, shift_mm, 0.0))])
    sitk.WriteTransform(transform, str(folder / "xfm.h5"))
    return root


def test_the_same_results_differ_in_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write_output(tmp_path / "a")), str(write_output(tmp_path / "b"))]) == 0
    assert capsys.readouterr().out == "0 of 4 files differ\n"


def test_what_differs_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = write_output(tmp_path / "a")
    second = write_output(tmp_path / "b", value=1.5, shift_mm=2.25, field="2")
    (second / "sub-01" / "table.tsv").unlink()
    assert main([str(first), str(second)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"sub-01/table.tsv: only in {first}",
        "sub-01/map.json: fields Version",
        "sub-01/map.nii.gz: values, by up to 0.5",
        "sub-01/xfm.h5: values, by up to 0.25",
        "4 of 4 files differ",
    ]
