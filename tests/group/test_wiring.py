"""Whether the group level's graph is wired, whatever is asked."""

from dataclasses import replace

import pytest

from morbids.group.plan import plan_group
from morbids.group.run import build_group_workflow
from morbids.group.words import WORDS
from morbids.settings import GroupSettings
from tests.bids.conftest import DatasetMaker
from tests.bids.test_maps import write_study
from tests.engine.wiring import find_problems, steps_without_words
from tests.participant.studies import make_resources, make_study

pytestmark = pytest.mark.graph

SETTINGS = GroupSettings()


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        replace(SETTINGS, traits=("score",), n_permutations=50, small_volumes=("none",)),
        replace(SETTINGS, group_column="group", inference=("max-t",)),
        replace(SETTINGS, map_kind="parameter", covariates=("score",), inference=("fdr",)),
    ],
    ids=["defaults", "trait", "groups", "parameters"],
)
def test_every_input_of_the_group_level_is_fed(dataset: DatasetMaker, settings: GroupSettings) -> None:
    study = make_study(dataset.root.parent)
    write_study(study.output_dir, 6)
    lines = [f"sub-{n:02d}\t{n * n}\t{'ab'[n % 2]}" for n in range(1, 7)]
    dataset.text("participants.tsv", "\n".join(["participant_id\tscore\tgroup", *lines]) + "\n")
    plan = plan_group(study, settings)
    assert plan.comparisons
    graph = build_group_workflow(plan, study, settings, make_resources(dataset.root / "work"))
    assert find_problems(graph) == []
    assert steps_without_words(graph, WORDS) == []
