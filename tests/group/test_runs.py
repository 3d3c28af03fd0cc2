"""Runs of one scan that are averaged on request: what rows are then made of."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.group.outputs import GroupOutputs
from morbids.group.page import say_source
from morbids.group.plan import GroupPlan, plan_group
from morbids.group.steps.maps import read_map
from morbids.numerics.arrays import FloatArray
from morbids.settings import GroupSettings, Study
from tests.bids.conftest import DatasetMaker
from tests.bids.test_maps import write_map
from tests.participant.studies import make_study

N = 5


@pytest.fixture
def study(dataset: DatasetMaker, tmp_path: Path) -> Study:
    """Five people with two tasks; two runs of the first task, of which the last person lacks the second."""
    rng = np.random.default_rng(2)
    for number in range(1, N + 1):
        for task, runs in (("rest", ("1", "2")), ("work", ("1",))):
            for run in runs[: 1 if number == N else 2]:
                scan = {"sub": f"{number:02d}", "task": task, "run": run}
                write_map(tmp_path / "maps", scan, desc="all", values=rng.uniform(1, 2, (4, 5, 6)))
    dataset.text("participants.tsv", "participant_id\n" + "".join(f"sub-{n + 1:02d}\n" for n in range(N)))
    return replace(make_study(dataset.root.parent), derivatives=(tmp_path / "maps",))


def plan(study: Study, **changes: object) -> GroupPlan:
    return plan_group(study, replace(GroupSettings(average_runs=True), **changes))  # type: ignore[arg-type]


def sum_of(paths: tuple[Path, ...], row: int) -> FloatArray:
    return np.asarray(np.sum([read_map(path) for path in paths[row::N]], axis=0))


def test_the_mean_of_the_runs_is_compared(study: Study) -> None:
    made = plan(study)
    (pair,) = made.comparisons
    assert (pair.title, pair.labels) == ("rest against work", tuple(f"sub-{n:02d}" for n in range(1, N + 1)))
    runs = {path.name: read_map(path) for path in (*pair.maps.added, *pair.maps.removed)}
    for row in range(N):
        person = f"sub-{row + 1:02d}_task"
        rest = [values for name, values in runs.items() if name.startswith(f"{person}-rest")]
        (work,) = (values for name, values in runs.items() if name.startswith(f"{person}-work"))
        assert len(rest) == (1 if row == N - 1 else 2)
        difference = (sum_of(pair.maps.added, row) - sum_of(pair.maps.removed, row)) / pair.maps.divisor
        np.testing.assert_allclose(difference, np.mean(rest, axis=0) - work, rtol=1e-5)
    (note,) = (note for note in made.notes if "runs" in note)
    assert note == "task-rest, all, BPND: 1 of 5 rows are the mean of fewer than 2 runs (sub-05_task-rest)."


def test_factors_within_participants_take_the_mean_too(study: Study) -> None:
    (task,) = plan(study, within=("task",)).comparisons
    (pair,) = plan(study).comparisons
    assert task.maps == pair.maps


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"within": ("run",)}, "--within run compares the runs that --average-runs averages"),
        ({"excluded": tuple(f"sub-{n:02d}_task-rest_run-2" for n in range(1, N))}, "nobody has two runs"),
        ({"stats_model": Path("model.json")}, "--average-runs cannot be combined with --stats-model"),
    ],
)
def test_what_cannot_be_averaged_is_a_sentence(
    study: Study, changes: dict[str, object], message: str
) -> None:
    if "stats_model" in changes:
        path = study.output_dir.parent / "model.json"
        path.write_text(
            '{"Name": "m", "BIDSModelVersion": "1.0.0", "Nodes": [{"Level": "Dataset", "Name": "d", "GroupBy": '
            '["task", "run"], "Model": {"Type": "glm", "X": [1]}, "DummyContrasts": {"Test": "t"}}]}'
        )
        changes = {"stats_model": path}
    with pytest.raises(MorbidsError, match=message):
        plan(study, **changes)


def test_without_the_option_each_run_is_a_scan_of_its_own(study: Study) -> None:
    names = [one.name for one in plan(study, average_runs=False).comparisons]
    assert len(names) > 1


def test_the_methods_text_says_so(study: Study) -> None:
    made, settings = plan(study), GroupSettings(average_runs=True)
    assert say_source(GroupOutputs(made.comparisons[0], made, study, settings)).endswith(
        "scan were averaged."
    )
