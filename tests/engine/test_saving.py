"""The one way out: names, sidecars, and files that are written only where they differ."""

import json
import os
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from morbids.bids.names import output_path
from morbids.engine.saving import Output, Save, copy_if_different, keep, make_save_node
from morbids.errors import ExitCode, MorbidsError

SCAN = {"sub": "01", "task": "rest"}


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "work.nii.gz"
    path.write_text("result")
    os.utime(path, (1e9, 1e9))
    return path


def save(interface: Save, inputs: Mapping[str, Any]) -> None:
    for name, value in inputs.items():
        setattr(interface.inputs, name, value)
    interface.run()


def test_a_result_gets_its_name_and_its_sidecar_with_what_became_known_while_running(
    tmp_path: Path, result: Path
) -> None:
    root = tmp_path / "out"
    outputs = {"mask": Output("reference_mask", {"label": "occipital"}, {"Type": "ROI"})}
    save(Save(root, SCAN, outputs, facts={"volume_ml": "VolumeML"}), {"mask": str(result), "volume_ml": 12.5})
    stem = root / "sub-01/pet/sub-01_task-rest_label-occipital_desc-reference_mask"
    assert Path(f"{stem}.nii.gz").read_text() == "result"
    assert json.loads(Path(f"{stem}.json").read_text()) == {"Type": "ROI", "VolumeML": 12.5}
    assert sorted(path.name for path in stem.parent.iterdir()) == [f"{stem.name}.json", f"{stem.name}.nii.gz"]


def test_a_mapping_of_results_goes_to_as_many_names(tmp_path: Path, result: Path) -> None:
    outputs = {name: Output("pet_picture", {"desc": name}) for name in ("a", "b")}
    interface = Save(tmp_path / "out", SCAN, outputs, fields=("pictures",))
    save(interface, {"pictures": {"a": str(result), "b": str(result)}})
    saved = sorted(path.name for path in (tmp_path / "out/sub-01/figures").iterdir())
    assert saved == ["sub-01_task-rest_desc-a_pet.png", "sub-01_task-rest_desc-b_pet.png"]


def test_only_what_others_read_is_kept_of_minimal_outputs(tmp_path: Path, result: Path) -> None:
    outputs = {"frames": Output("preproc_pet", sidecar={"Units": "Bq/mL"}), "mask": Output("pet_brain_mask")}
    inputs = {"frames": str(result), "mask": str(result)}
    save(Save(tmp_path / "out", SCAN, keep(outputs, "minimal")), inputs)
    saved = [path.name for path in (tmp_path / "out").glob("sub-01/**/*") if path.is_file()]
    assert saved == ["sub-01_task-rest_desc-brain_mask.nii.gz"]
    save(Save(tmp_path / "out", SCAN, keep(outputs, "full")), inputs)
    assert output_path(tmp_path / "out", SCAN, "preproc_pet").exists()


def test_a_deleted_result_comes_back_and_an_unchanged_one_is_not_written_again(
    tmp_path: Path, result: Path
) -> None:
    outputs = {"mask": Output("brain_mask", sidecar={"Type": "Brain"})}
    saved = tmp_path / "out/sub-01/anat/sub-01_desc-brain_mask.nii.gz"

    def run() -> tuple[int, int]:
        save(Save(tmp_path / "out", {"sub": "01"}, outputs), {"mask": str(result)})
        sidecar = saved.with_name(saved.name.replace(".nii.gz", ".json"))
        return saved.stat().st_ino, sidecar.stat().st_ino

    first = run()
    assert run() == first, "neither image nor sidecar was replaced"
    saved.unlink()
    run()
    assert saved.read_text() == "result"


def test_a_result_that_changed_replaces_the_old_one(tmp_path: Path, result: Path) -> None:
    copy = tmp_path / "deep/copy.nii.gz"
    copy_if_different(result, copy)
    result.write_text("another")
    copy_if_different(result, copy)
    assert copy.read_text() == "another"
    assert copy.stat().st_mtime_ns == result.stat().st_mtime_ns
    assert [path.name for path in copy.parent.iterdir()] == ["copy.nii.gz"], "no partial file stays"


def test_an_output_directory_that_cannot_be_written_is_named(tmp_path: Path, result: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(MorbidsError, match=r"file/copy.nii.gz cannot be written") as error:
        copy_if_different(result, tmp_path / "file/copy.nii.gz")
    assert error.value.exit_code == ExitCode.CANNOT_WRITE


def test_savers_always_run_so_that_outputs_come_back() -> None:
    assert Save(Path("out"), SCAN, {})._always_run


def save_often(root: Path, result: Path, barrier: Any) -> None:
    node = make_save_node("save", root / "out", {"sub": "01"}, {"mask": Output("brain_mask")})
    node.base_dir = str(root)
    node.inputs.mask = str(result)
    barrier.wait()
    for _ in range(15):
        node.run()


def test_simultaneous_runs_of_one_saver_do_not_empty_each_others_folder(tmp_path: Path) -> None:
    result = tmp_path / "mask.nii.gz"
    result.write_text("mask")
    fresh = get_context("fork")
    barrier = fresh.Barrier(3)
    runs = [fresh.Process(target=save_often, args=(tmp_path, result, barrier)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert output_path(tmp_path / "out", {"sub": "01"}, "brain_mask").read_text() == "mask"
