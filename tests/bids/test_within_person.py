"""Nodes within participants: their results against least squares over the maps of one person."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from morbids.bids.group_designs import GroupDesign, build_designs
from morbids.bids.stats_model import Contrast, Edge, Node, StatsModel
from morbids.bids.transformers import Factor
from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray

PEOPLE = [f"sub-{number}" for number in range(1, 6)]
RUNS = Node("runs", ("intercept",), ("subject", "session", "contrast"), dummy_contrasts=None, level="Session")
SESSIONS = Node(
    "sessions",
    ("session_id.ses-off", "session_id.ses-on"),
    ("subject", "contrast"),
    (Factor(("session_id",)),),
    (Contrast("effect", ("session_id.ses-on", "session_id.ses-off"), (1.0, -1.0)),),
    level="Subject",
)
GROUP = Node("group", ("intercept",), ("contrast",), dummy_contrasts=None)
EDGES = (Edge("runs", "sessions"), Edge("sessions", "group"))


def table() -> pd.DataFrame:
    """Two sessions each; two runs in the second, but for the fourth person; the fifth lacks a session."""
    lines = [
        {
            "participant_id": person,
            "session_id": f"ses-{session}",
            "run": str(run),
            "contrast": "all",
            "age": 30.0 + n,
        }
        for n, person in enumerate(PEOPLE)
        for session, n_runs in (("off", 1), ("on", 1 if n == 3 else 2))
        for run in range(1, n_runs + 1)
        if (n, session) != (4, "off")
    ]
    return pd.DataFrame(lines)


def build(*nodes: Node, edges: tuple[Edge, ...] = EDGES) -> tuple[GroupDesign, ...]:
    return build_designs(StatsModel("m", nodes, edges=edges), table()).designs


def weights(design: GroupDesign) -> FloatArray:
    assert design.source is not None
    return design.source.weights[design.rows]


def test_a_difference_of_sessions_is_that_of_the_means_of_their_runs() -> None:
    (group,) = build(RUNS, SESSIONS, GROUP)
    values = np.random.default_rng(0).standard_normal(len(table()))
    means = table().assign(value=values).groupby(["participant_id", "session_id"])["value"].mean().unstack()
    expected = (means["ses-on"] - means["ses-off"]).dropna()
    np.testing.assert_allclose(weights(group) @ values, expected, rtol=1e-12)
    assert group.source is not None
    assert group.source.table["participant_id"].tolist() == PEOPLE[:4]
    assert group.source.table["contrast"].tolist() == ["effect"] * 4
    assert group.source.table["age"].tolist() == [30, 31, 32, 33], "what a person's maps share is kept"
    assert "run" not in group.source.table
    (dropped,) = group.source.dropped
    assert table()["participant_id"][dropped.row] == "sub-5"
    assert dropped.reason == "'sessions': There is no variable 'session_id.ses-off' for X."


def test_a_node_none_of_whose_variables_is_known_says_so() -> None:
    unknown = replace(RUNS, columns=("intercept", "age"))
    lines = table().assign(age=np.nan)
    with pytest.raises(MorbidsError, match="Model 'runs': no map has a value of every variable"):
        build_designs(StatsModel("m", (unknown, GROUP), edges=(Edge("runs", "group"),)), lines)


def test_without_the_node_of_runs_each_map_counts_alike() -> None:
    (group,) = build(SESSIONS, GROUP, edges=EDGES[1:])
    assert set(np.round(np.abs(weights(group)), 6).ravel()) == {0, 0.5, 1}


def test_a_mean_keeps_the_name_of_its_contrast() -> None:
    mean = replace(RUNS, name="mean", group_by=("subject",), level="Subject")
    (group,) = build(mean, GROUP, edges=(Edge("mean", "group"),))
    assert group.group == {"contrast": "all"}
    np.testing.assert_allclose(weights(group).sum(axis=1), 1)
    assert len(group.rows) == 5


def test_an_edge_takes_what_fits_its_filter() -> None:
    both = replace(SESSIONS, dummy_contrasts=("session_id.ses-on",))
    filtered = Edge("sessions", "group", {"contrast": ("session_id.ses-on",)})
    (group,) = build(both, GROUP, edges=(filtered,))
    assert group.group == {"contrast": "session_id.ses-on"}
    with pytest.raises(MorbidsError, match="No result of 'sessions' fits the Filter of the edge to 'group'"):
        build(both, GROUP, edges=(replace(filtered, filters={"contrast": ("no",)}),))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (replace(SESSIONS, group_by=("contrast",)), "'sessions' of Level Subject does not part participants"),
        (replace(SESSIONS, contrasts=(Contrast("no", ("other",), (1.0,)),)), "needs the column 'other'"),
        (
            replace(
                SESSIONS,
                columns=("intercept", *SESSIONS.columns),
                contrasts=(Contrast("on", ("session_id.ses-on",), (1.0,)),),
            ),
            "contrast 'on' cannot be estimated from [123] maps",
        ),
        (replace(SESSIONS, columns=("session_id",), instructions=()), "'session_id' holds text"),
    ],
)
def test_what_no_participant_has_is_a_sentence(node: Node, message: str) -> None:
    with pytest.raises(MorbidsError, match=message):
        build(node, GROUP, edges=EDGES[1:])


def test_who_lacks_a_value_that_parts_maps_is_told() -> None:
    lines = table()
    lines.loc[0, "session_id"] = np.nan
    model = StatsModel("m", (RUNS, SESSIONS, GROUP), edges=EDGES)
    dropped = {one.row: one.reason for one in build_designs(model, lines).dropped}
    assert "session is missing, which parts the rows of 'runs'" in dropped[0]
