"""Temporary images lie beside the results, and go."""

from pathlib import Path

from morbids.imaging.workplace import Workplace


def test_scratch_lies_in_the_folder_of_the_step_and_goes(tmp_path: Path) -> None:
    step = tmp_path / "step" / "results"
    with Workplace(step, 1).scratch() as folder:
        (folder / "image.nii").write_bytes(b"voxels")
        assert folder.parent == step
    assert step.is_dir()
    assert not folder.exists()
