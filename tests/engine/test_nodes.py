from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.engine import nodes
from morbids.engine.nodes import Step, make_node
from morbids.errors import MorbidsError
from tests.engine import steps_for_tests as steps


def test_parameters_become_inputs_and_fields_become_outputs(tmp_path: Path) -> None:
    node = make_node(steps.add, "add", {"a": 1.5, "b": 2.0, "threads": 3})
    node.base_dir = str(tmp_path)
    outputs = node.run().outputs
    assert outputs.total == 3.5
    assert Path(outputs.report).read_text() == "3.5 with 3"
    assert Path(outputs.report).parent == tmp_path / "add"


def test_text_becomes_paths_where_the_annotation_says_so(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name.upper())
    node = make_node(
        steps.read,
        "read",
        {"report": tmp_path / "a", "others": (tmp_path / "b",), "named": {"c": tmp_path / "c"}},
    )
    node.base_dir = str(tmp_path)
    assert node.run().outputs.text == "A / B / C"


def test_a_misspelt_constant_fails_when_the_node_is_made() -> None:
    with pytest.raises(MorbidsError, match=r"add has no parameter 'c'. It has: a, b"):
        make_node(steps.add, "add", {"c": 1})


def test_threads_are_not_part_of_the_cache_key(tmp_path: Path) -> None:
    def run(threads: int, b: float) -> str:
        node = make_node(steps.add, "add", {"a": 1.0, "b": b, "threads": threads})
        node.base_dir = str(tmp_path)
        return Path(node.run().outputs.report).read_text()

    assert run(1, 2.0) == "3.0 with 1"
    assert run(2, 2.0) == "3.0 with 1", "the first result serves again"
    assert run(2, 3.0) == "4.0 with 2", "another input does not"


def test_required_parameters_are_those_without_a_default() -> None:
    assert Step(steps.add).required == ("a", "b")


@pytest.mark.parametrize("content", [b"", b"no pickle", None], ids=["empty", "torn", "gone"])
def test_a_result_that_cannot_be_had_is_made_again(tmp_path: Path, content: bytes | None) -> None:
    def run(b: float = 2.0) -> Path:
        node = make_node(steps.add, "add", {"a": 1.0, "b": b})
        node.base_dir = str(tmp_path)
        return Path(node.run().outputs.report)

    report = run()
    report.write_text("kept")
    assert run().read_text() == "kept", "nothing is computed twice"
    if content is None:
        report.unlink()
    else:
        (tmp_path / "add" / "result_add.pklz").write_bytes(content)
    assert run().read_text() == "3.0 with 1"


def test_the_code_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> Path:
        node = make_node(steps.add, "add", {"a": 1.0, "b": 2.0})
        node.base_dir = str(tmp_path)
        return Path(node.run().outputs.report)

    run().write_text("kept")
    assert run().read_text() == "kept"
    monkeypatch.setattr(nodes, "code_digest", lambda module: f"another state of {module}")
    assert run().read_text() == "3.0 with 1"


@pytest.mark.parametrize("changed", ["weight", "table", "rate"])
def test_every_number_of_an_input_is_part_of_the_key(tmp_path: Path, changed: str) -> None:
    """A covariate of one of a thousand people, a value in the tenth digit."""

    def run(changed: str) -> str:
        weights, column = np.zeros(2001), np.zeros(1001)
        weights[1000] = 1e-12 * (changed == "weight")
        column[500] = 1e-12 * (changed == "table")
        rate = 2e-12 if changed == "rate" else 1e-12
        plan = steps.Plan(steps.Settings(weights, pd.DataFrame({"a": column})), rate)
        node = make_node(steps.weigh, "weigh", {"plan": plan})
        node.base_dir = str(tmp_path)
        return str(node.run().outputs.text)

    assert run("nothing") == "1e-12 0.0 0.0"
    assert run(changed) != "1e-12 0.0 0.0"


def test_files_within_records_are_part_of_the_key(tmp_path: Path) -> None:
    first, other = tmp_path / "first.txt", tmp_path / "other.txt"
    first.write_text("a")

    def run(text: str) -> str:
        other.write_text(text)
        files = steps.Files(first, (other,))
        node = make_node(steps.read_record, "read", {"files": files})
        node.base_dir = str(tmp_path)
        return str(node.run().outputs.text)

    assert run("b") == "a / b"
    assert run("something else") == "a / something else"


def test_only_paths_are_looked_up_for_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note_paths: Callable[[str], list[str]]
) -> None:
    """Numbers and words are no files, whatever lies in the folder that a step works in."""
    given = tmp_path / "given.txt"
    given.write_text("a")
    node = make_node(steps.read, "read", {"report": given, "others": (), "named": {"AAL": given}})
    numbers = make_node(steps.add, "add", {"a": 5.0, "b": 2.5})
    monkeypatch.chdir(tmp_path)
    looked_up = note_paths("stat")
    before = [one.inputs.get_hashval(hash_method="timestamp")[1] for one in (node, numbers)]
    assert set(looked_up) == {str(given)}
    assert len(looked_up) <= 4, "twice for each time that it is given"
    for name in ("5.0", "AAL"):
        (tmp_path / name).write_text("")
    assert [one.inputs.get_hashval(hash_method="timestamp")[1] for one in (node, numbers)] == before
