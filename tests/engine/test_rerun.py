"""One step once more, by hand."""

from pathlib import Path

import pytest

from morbids.engine.nodes import make_node
from morbids.engine.rerun import main, rerun
from morbids.engine.saving import Output, make_save_node
from morbids.errors import ExitCode, MorbidsError
from tests.engine import steps_for_tests as steps


def test_a_step_runs_again_with_its_inputs_and_leaves_its_folder_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = make_node(steps.add, "add", {"a": 1.0, "b": 2.0})
    node.base_dir = str(tmp_path)
    node.run()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "add").iterdir()}
    assert main([str(tmp_path / "add")]) == ExitCode.OK
    assert "total = 3.0\nreport = " in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "add").iterdir()} == before


def test_the_error_of_a_step_comes_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "sum.txt").write_text("3")
    node = make_node(steps.refuse, "refuse", {"report": tmp_path / "sum.txt"})
    node.base_dir = str(tmp_path)
    with pytest.raises(Exception, match="not to my liking"):
        node.run()
    with pytest.raises(MorbidsError, match=r"sum.txt is not to my liking. Bring another."):
        rerun(tmp_path / "refuse", tmp_path)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"is not the folder of a step that has been started"):
        rerun(tmp_path, tmp_path)
    (tmp_path / "mask.nii.gz").write_text("mask")
    node = make_save_node("save", tmp_path / "out", {"sub": "01"}, {"mask": Output("brain_mask")})
    node.base_dir = str(tmp_path)
    node.inputs.mask = str(tmp_path / "mask.nii.gz")
    node.run()
    with pytest.raises(MorbidsError, match=r"folder of a Save, which calls no function"):
        rerun(tmp_path / "save", tmp_path)
    assert main([]) == ExitCode.USAGE
