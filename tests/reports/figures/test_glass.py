from pathlib import Path

import nibabel as nib
import numpy as np

from morbids.reports.figures.glass import draw_glass_brain


def test_only_values_beyond_the_threshold_are_coloured(tmp_path: Path) -> None:
    values = np.full((37, 45, 37), np.nan, dtype=np.float32)
    values[10:26, 12:32, 12:28] = 1.0
    values[12, 20, 20], values[24, 20, 20] = 5.0, -4.0
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    affine[:3, 3] = (-90, -125, -70)
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "t.nii.gz")
    figure = draw_glass_brain(tmp_path / "t.nii.gz", threshold=3.0, label="t")
    shown = [image.get_array() for axes in figure.axes for image in axes.images]
    assert shown, "four projections"
    kept = np.concatenate([np.ma.masked_equal(np.ma.asarray(part), 0).compressed() for part in shown])
    assert set(np.unique(kept)) == {-4.0, 5.0}, "both signs, and nothing below the threshold"
    assert [text.get_text() for text in figure.texts] == ["t"]
