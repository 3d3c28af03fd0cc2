from pathlib import Path

import pytest

from morbids.engine.inputs import inputs_of
from morbids.engine.nodes import Step, make_node
from morbids.errors import MorbidsError
from tests.engine import steps_for_tests as steps


def test_a_record_is_connected_field_by_field_and_arrives_whole(tmp_path: Path) -> None:
    for name in ("left", "right"):
        (tmp_path / name).write_text(name)
    node = make_node(steps.join, "join", {"left": tmp_path / "left", "end": "!"})
    node.base_dir = str(tmp_path)
    node.inputs.right = str(tmp_path / "right")
    assert node.run().outputs.text == "left and right!"


def test_what_of_a_record_has_no_default_is_required() -> None:
    assert (Step(steps.join).required, Step(steps.join).parameters) == (("left",), ("left", "right", "end"))
    assert Step(steps.greet).required == ()


def test_a_record_of_which_nothing_is_given_is_the_default(tmp_path: Path) -> None:
    node = make_node(steps.greet, "greet")
    node.base_dir = str(tmp_path)
    assert node.run().outputs.text == "nobody"


def test_two_inputs_of_one_name_are_refused() -> None:
    with pytest.raises(MorbidsError, match=r"confuse has two inputs 'left'\. Rename"):
        inputs_of(steps.confuse)
