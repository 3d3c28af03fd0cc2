"""BIDS Stats Models: what is read, and every refusal."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from morbids.bids.stats_model import Contrast, read_stats_model
from morbids.bids.transformers import Factor, Product, Rename, Scale
from morbids.errors import ExitCode, MorbidsError

Content = dict[str, Any]


def content() -> Content:
    """A model that uses everything that is supported."""
    return {
        "Name": "resiliency",
        "BIDSModelVersion": "1.0.0",
        "Description": "Trait correlation",
        "Input": {"task": ["rejection"], "run": [1]},
        "Nodes": [
            {
                "Level": "Dataset",
                "Name": "group",
                "GroupBy": ["task", "contrast"],
                "Transformations": {
                    "Transformer": "pybids-transforms-v1",
                    "Instructions": [
                        {"Name": "Factor", "Input": ["sex"], "Constraint": "drop_one", "RefLevel": "M"},
                        {"Name": "Scale", "Input": "age", "Rescale": False},
                        {"Name": "Demean", "Input": ["score"], "Output": ["score0"]},
                        {"Name": "Product", "Input": ["sex.F", "age"], "Output": "both"},
                        {"Name": "Rename", "Input": ["both"], "Output": ["sex_by_age"], "Description": "-"},
                    ],
                },
                "Model": {"Type": "glm", "X": [1, "sex.F", "age", "sex_by_age", "trait_*"]},
                "Contrasts": [
                    {"Name": "mean", "ConditionList": [1, "age"], "Weights": ["1/2", -0.5], "Test": "t"}
                ],
                "DummyContrasts": {"Contrasts": [1, "age"], "Test": "t"},
            }
        ],
    }


def write(path: Path, model: object) -> Path:
    file = path / "model-resiliency_smdl.json"
    file.write_text(json.dumps(model))
    return file


def test_everything_that_is_supported_is_read(tmp_path: Path) -> None:
    model = read_stats_model(write(tmp_path, content()))
    assert (model.name, model.description) == ("resiliency", "Trait correlation")
    assert model.inputs == {"task": ("rejection",), "run": ("1",)}
    (node,) = model.nodes
    assert node.name == "group"
    assert node.columns == ("intercept", "sex.F", "age", "sex_by_age", "trait_*")
    assert node.group_by == ("task", "contrast")
    assert node.instructions == (
        Factor(("sex",), "drop_one", "M"),
        Scale(("age",), ("age",), demean=True, rescale=False),
        Scale(("score",), ("score0",), demean=True, rescale=False),
        Product(("sex.F", "age"), "both"),
        Rename(("both",), ("sex_by_age",)),
    )
    assert node.contrasts == (Contrast("mean", ("intercept", "age"), (0.5, -0.5)),)
    assert node.dummy_contrasts == ("intercept", "age")


@pytest.mark.parametrize(
    ("weights", "rows"), [([[1, 0], ["1/2", -1]], ((1.0, 0.0), (0.5, -1.0))), ([1, -1], ((1.0, -1.0),))]
)
def test_f_contrasts_have_a_row_for_each_sum(
    tmp_path: Path, weights: list[object], rows: tuple[tuple[float, ...], ...]
) -> None:
    model = content()
    of_f(weights)(model)
    (contrast,) = read_stats_model(write(tmp_path, model)).nodes[0].contrasts
    assert contrast == Contrast("mean", ("intercept", "age"), (), rows)


def test_dummy_contrasts_without_a_list_are_all_columns(tmp_path: Path) -> None:
    model = content()
    model["Nodes"][0]["DummyContrasts"] = {"Test": "t"}
    assert read_stats_model(write(tmp_path, model)).nodes[0].dummy_contrasts is None


def change(*path: str | int, to: object) -> Callable[[Content], None]:
    """Set the value at a path of keys."""

    def apply(model: Content) -> None:
        place: Any = model
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return apply


NODE = ("Nodes", 0)
CONTRAST = (*NODE, "Contrasts", 0)


def of_f(weights: list[object]) -> Callable[[Content], None]:
    """Ask for an F with these weights."""

    def apply(model: Content) -> None:
        change(*CONTRAST, "Test", to="F")(model)
        change(*CONTRAST, "Weights", to=weights)(model)

    return apply


def lead(levels: tuple[str, ...], *edges: tuple[str, str]) -> Callable[[Content], None]:
    """Nodes of these levels called one, two, three, and edges between them; of two, the last is written first."""

    def apply(model: Content) -> None:
        node = {"GroupBy": [], "Model": {"Type": "glm", "X": [1]}, "DummyContrasts": {"Test": "t"}}
        names = ("one", "two", "three")[: len(levels)]
        model["Nodes"] = [
            node | {"Level": level, "Name": name} for level, name in zip(levels, names, strict=True)
        ]
        model["Edges"] = [{"Source": source, "Destination": end} for source, end in edges]
        if levels == ("Subject", "Dataset"):
            model["Nodes"] = model["Nodes"][::-1]

    return apply


STEPS = (*NODE, "Transformations", "Instructions")


def step(**keys: object) -> Callable[[Content], None]:
    return change(*STEPS, to=[keys])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            change("BIDSModelVersion", to=None),
            "not a valid BIDS Stats Model: BIDSModelVersion: input should be",
        ),
        (
            change(*NODE, "Model", "Type", to="mixed"),
            r"Nodes\[0\]\.Model\.Type: input should be 'glm' or 'meta'",
        ),
        (change("Nodes", to=[]), "There is no node of Level Dataset"),
        (change("Node", to=[]), "the model has the unknown key 'Node'"),
        (change(*NODE, "Contrast", to=[]), r"Nodes\[0\] has the unknown key 'Contrast'.*DummyContrasts"),
        (change(*NODE, "Model", "x", to=[]), r"Nodes\[0\]\.Model has the unknown key 'x'"),
        (change(*CONTRAST, "Type", to="t"), r"Nodes\[0\]\.Contrasts\[0\] has the unknown key 'Type'"),
        (
            change("Edges", to=[{"Source": "a", "Destination": "b"}]),
            r"Edges\[0\] names 'a', which is no node\. Nodes are",
        ),
        (change("Edges", to=[{"Source": "a", "To": "b"}]), r"Edges\.0\.|Edges\[0\]"),
        (
            change(*NODE, "Level", to="Run"),
            r"Nodes\[0\]\.Level 'Run' with X .* is not supported\. The time series of a run",
        ),
        (lead(("Dataset", "Dataset"), ("one", "two")), r"Edges\[0\] from 'one' to 'two' is not supported"),
        (lead(("Subject", "Dataset")), "results of the node 'one' lead nowhere"),
        (
            lead(("Subject", "Session", "Dataset"), ("one", "three"), ("two", "three")),
            r"Edges\[1\]: a second edge to 'three' is not supported",
        ),
        (lead(("Subject",)), "There is no node of Level Dataset"),
        (change(*NODE, "Model", "Type", to="meta"), r"Model\.Type 'meta' is not supported"),
        (
            change(*NODE, "Model", "Formula", to="1 + age"),
            r"Model\.Formula is not supported\. List the columns",
        ),
        (change(*NODE, "Model", "Options", to={}), r"Model\.Options is not supported"),
        (change(*NODE, "Model", "X", to=[]), r"Model\.X is empty or names a column twice"),
        (change(*NODE, "Model", "X", to=["age", "age"]), r"Model\.X is empty or names a column twice"),
        (
            change(*CONTRAST, "Test", to="pass"),
            r"Contrasts\[0\]\.Test 'pass' is not supported\. Write t or F",
        ),
        (
            change(*NODE, "DummyContrasts", "Test", to="F"),
            r"DummyContrasts\.Test 'F' is not supported\. Write t",
        ),
        (of_f([[1, 0], [0]]), "'mean' has 2 conditions and 1 weights"),
        (of_f([[1, 0], [0, 0]]), "'mean' has no weight other than 0"),
        (change(*NODE, "DummyContrasts", "Test", to="pass"), r"DummyContrasts\.Test 'pass' is not supported"),
        (change(*CONTRAST, "Weights", to=[1]), "'mean' has 2 conditions and 1 weights"),
        (change(*CONTRAST, "Weights", to=[0, 0]), "'mean' has no weight other than 0"),
        (change(*CONTRAST, "Weights", to=["half", 1]), "has the weight 'half'"),
        (change(*CONTRAST, "Weights", to=["1/0", 1]), "has the weight '1/0'"),
        (change(*CONTRAST, "Weights", to=[[1, 0], [0, 1]]), "'mean' has a list of 2 rows of weights for t"),
        (change(*CONTRAST, "Name", to="age"), "two contrasts called 'age'"),
        (step(Name="Convolve", Input=["age"]), "transformer 'Convolve' is not supported. Use Factor, Scale"),
        (change(*STEPS, to=["Factor"]), "transformer '' is not supported"),
        (
            step(Name="Scale", Input=["age"], Weights=[1]),
            r"Instructions\[0\]: Scale has the unknown key 'Weights'",
        ),
        (step(Name="Scale"), r"Instructions\[0\]\.Input is None"),
        (step(Name="Scale", Input=[1]), r"Input is \[1\]\. It must be a list of names"),
        (step(Name="Scale", Input=["age"], Demean="yes"), "Demean is 'yes' and Rescale is True"),
        (step(Name="Scale", Input=["age"], Demean=False, Rescale=False), "one of them must be true"),
        (
            step(Name="Scale", Input=["age"], ReplaceMissing="after"),
            "ReplaceMissing is 'after', which makes up",
        ),
        (step(Name="Scale", Input=["age"], Output=["a", "b"]), "has 1 inputs and 2 outputs"),
        (step(Name="Factor", Input=["sex"], Constraint="none", RefLevel="M"), "RefLevel has no use without"),
        (step(Name="Factor", Input=["sex"], Constraint="helmert"), "Constraint is 'helmert'"),
        (step(Name="Product", Input=["age"], Output="b"), "Product has 1 inputs and 1 outputs"),
        (step(Name="Rename", Input=["age"]), "Rename has no Output"),
    ],
)
def test_refusals_name_the_place_and_the_remedy(
    tmp_path: Path, wrong: Callable[[Content], None], message: str
) -> None:
    model = content()
    wrong(model)
    path = write(tmp_path, model)
    with pytest.raises(MorbidsError, match=message) as refused:
        read_stats_model(path)
    assert str(path) in refused.value.message
    assert refused.value.hint
    assert refused.value.exit_code == ExitCode.USAGE


def test_a_node_without_contrasts_is_refused(tmp_path: Path) -> None:
    model = content()
    del model["Nodes"][0]["Contrasts"], model["Nodes"][0]["DummyContrasts"]
    with pytest.raises(MorbidsError, match=r"Nodes\[0\] has no contrast"):
        read_stats_model(write(tmp_path, model))


def test_nodes_of_one_name_are_refused(tmp_path: Path) -> None:
    model = content()
    model["Nodes"] *= 2
    with pytest.raises(MorbidsError, match="Two nodes are called 'group'"):
        read_stats_model(write(tmp_path, model))


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "smdl.json"
    path.write_text("{")
    with pytest.raises(MorbidsError, match=r"smdl\.json is not valid JSON"):
        read_stats_model(path)
