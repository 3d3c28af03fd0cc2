"""Models as published for time series: refused whole, and run from the node whose rows maps are.

The eight are the exhibits `fsl_glm_models` of bids-standard/model-zoo whose node of Level Dataset has no Formula: what
they transform, their columns and contrasts, written again. A node over the time series of a run and one that joins runs
by `meta` stand before each.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from morbids.bids.group_designs import build_designs
from morbids.bids.stats_model import read_stats_model
from morbids.errors import MorbidsError

N = 16
SEX = {"Name": "Factor", "Input": ["sex"]}
AGE = {"Name": "Demean", "Input": ["age"], "Output": "age_dm"}
GROUPS = [f"fake_patient_grp.{number}" for number in (1, 2, 3, 4)]
TABLE = pd.DataFrame(
    {
        "participant_id": [f"sub-{n:02d}" for n in range(N)],
        "contrast": "loss",
        "sex": ["M", "F"] * (N // 2),
        "age": np.linspace(20, 50, N) ** 1.1,
        "fake_patient_grp": [1 + n // 2 % 4 for n in range(N)],
    }
)


class Published(NamedTuple):
    """Node of Level Dataset: transformations, columns, and weights by contrast (None: a dummy of each column)."""

    instructions: list[dict[str, Any]]
    columns: list[Any]
    contrasts: dict[str, tuple[list[Any], list[Any]]] | None


SEXES = (["sex.M", "sex.F"], [-1, 1])
EXHIBITS = {
    "single_grp_avg": Published([], [1], None),
    "paired_difference": Published([], [1], None),
    "single_grp_avg_w_covar": Published(
        [AGE], [1, "age_dm"], {"pos_age_effect": (["age_dm"], [1]), "mean_gt_0": ([1], [1])}
    ),
    "two_grp_diff": Published([SEX], ["sex.M", "sex.F"], {"female_gt_male": SEXES}),
    "2_grp_2lev_per_sub": Published([SEX], ["sex.M", "sex.F"], {"F(run diff)-M(run diff)": SEXES}),
    "two_grp_diff_adj_age": Published(
        [SEX, AGE], ["sex.M", "sex.F", "age_dm"], {"female_gt_male": SEXES, "age_lt_0": (["age_dm"], [-1])}
    ),
    "two_grp_by_age_interaction": Published(
        [SEX, *({"Name": "Product", "Input": [f"sex.{s}", "age"], "Output": f"age.{s}"} for s in "MF")],
        ["sex.M", "sex.F", "age.M", "age.F"],
        {"slope_age.M_gt_slope_age.F": (["age.M", "age.F"], [1, -1])},
    ),
    "one_factor_4_lev": Published(
        [{"Name": "Factor", "Input": ["fake_patient_grp"]}],
        GROUPS,
        {
            "g1 vs g4": ([GROUPS[0], GROUPS[3]], [1, -1]),
            "anova_main_group_effect": (GROUPS, [[1, 0, 0, -1], [0, 1, 0, -1], [0, 0, 1, -1]]),
        },
    ),
}


def write(path: Path, published: Published) -> Path:
    dataset: dict[str, Any] = {
        "Level": "Dataset",
        "Name": "group",
        "GroupBy": ["contrast"],
        "Transformations": {"Transformer": "pybids-transforms-v1", "Instructions": published.instructions},
        "Model": {"X": published.columns, "Type": "glm"},
    }
    if published.contrasts is None:
        dataset["DummyContrasts"] = {"Test": "t"}
    else:
        dataset["Contrasts"] = [
            {
                "Name": name,
                "ConditionList": columns,
                "Weights": weights,
                "Test": "F" if len(weights) > 2 else "t",
            }
            for name, (columns, weights) in published.contrasts.items()
        ]
    nodes = [
        {
            "Level": "Run",
            "Name": "run",
            "GroupBy": ["subject", "run"],
            "Transformations": {
                "Transformer": "pybids-transforms-v1",
                "Instructions": [{"Name": "Convolve", "Input": ["loss"]}],
            },
            "Model": {"X": ["loss", 1], "Type": "glm"},
            "Contrasts": [{"Name": "loss", "ConditionList": ["loss"], "Weights": [-1], "Test": "t"}],
        },
        {
            "Level": "Subject",
            "Name": "runs",
            "GroupBy": ["subject", "contrast"],
            "Model": {"X": [1], "Type": "meta"},
            "DummyContrasts": {"Test": "t"},
        },
        dataset,
    ]
    edges = [{"Source": "run", "Destination": "runs"}, {"Source": "runs", "Destination": "group"}]
    model = {"Name": "exhibit", "BIDSModelVersion": "1.0.0", "Nodes": nodes, "Edges": edges}
    file = path / "model_smdl.json"
    file.write_text(json.dumps(model))
    return file


@pytest.mark.parametrize("name", EXHIBITS)
def test_the_node_over_maps_runs_and_those_before_it_are_refused_by_name(tmp_path: Path, name: str) -> None:
    published = EXHIBITS[name]
    file = write(tmp_path, published)
    with pytest.raises(MorbidsError, match=r"Nodes\[0\]\.Level 'Run'"):
        read_stats_model(file)
    with pytest.raises(MorbidsError, match=r"Nodes\[1\]\.Model\.Type 'meta'"):
        read_stats_model(file, "runs")
    model = read_stats_model(file, "group")
    assert ([node.name for node in model.nodes], model.edges) == (["group"], ())
    (design,) = build_designs(model, TABLE).designs
    tested = [contrast.name for contrast in design.contrasts]
    assert tested == (["intercept"] if published.contrasts is None else list(published.contrasts))
    assert all(len(contrast.design.matrix) == N for contrast in design.contrasts)


def test_a_node_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match="There is no node 'groups' to begin at"):
        read_stats_model(write(tmp_path, EXHIBITS["two_grp_diff"]), "groups")
