import numpy as np
import pytest

from morbids.simulation.cohort import draw_cohort
from morbids.simulation.effects import RELEASES, built_in_effects

pytestmark = pytest.mark.graph


@pytest.mark.parametrize("participants", [6, 8, 18])
def test_every_built_in_effect_is_in_the_sample(participants: int) -> None:
    people = draw_cohort(participants, seed=3, null=False)
    for effect in built_in_effects():
        release = [person.releases[effect.task, effect.region] for person in people]
        if effect.kind == "mean":
            assert np.sign(np.mean(release)) == effect.sign
            assert abs(np.mean(release)) / np.std(release) > 1.5
        else:
            scores = [person.scores[effect.trait] for person in people]
            assert effect.sign * np.corrcoef(release, scores)[0, 1] > 0.9


def test_effects_are_those_of_the_abstract() -> None:
    effects = built_in_effects()
    means = {(e.task, e.region): e.sign for e in effects if e.kind == "mean"}
    assert means == {
        ("rejection", "VentralStriatum"): 1,
        ("rejection", "Amygdala"): 1,
        ("rejection", "MidlineThalamus"): 1,
        ("rejection", "PAG"): 1,
        ("acceptance", "Amygdala"): 1,
        ("acceptance", "AnteriorInsula"): 1,
        ("acceptance", "MidlineThalamus"): -1,
        ("acceptance", "sgACC"): -1,
    }
    correlations = {(e.task, e.region, e.trait): e.sign for e in effects if e.kind == "correlation"}
    assert correlations == {
        ("rejection", "Amygdala", "er89_total"): 1,
        ("rejection", "PAG", "er89_total"): 1,
        ("rejection", "sgACC", "er89_total"): 1,
        ("rejection", "pgACC", "rejection_negative_affect"): -1,
        ("acceptance", "VentralStriatum_L", "acceptance_social_desire"): 1,
    }


def test_a_null_study_has_the_same_people_without_releases() -> None:
    people, null = draw_cohort(7, 5, null=False), draw_cohort(7, 5, null=True)
    assert [person.scores for person in people] == [person.scores for person in null]
    assert [person.binding for person in people] == [person.binding for person in null]
    assert not any(person.releases for person in null)


def test_traits_do_not_stand_in_for_each_other() -> None:
    people = draw_cohort(8, 1, null=False)
    traits = sorted({release.trait for release in RELEASES if release.trait})
    scores = np.array([[person.scores[trait] for trait in traits] for person in people])
    correlation = np.corrcoef(scores.T) - np.eye(len(traits))
    assert np.abs(correlation).max() < 0.25


def test_one_person_has_average_releases() -> None:
    (person,) = draw_cohort(1, 1, null=False)
    assert person.releases["rejection", "sgACC"] == pytest.approx(0.07, abs=0.05)
