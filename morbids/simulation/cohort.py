"""The people of a simulated study: who they are, how they score, and how much each region releases."""

from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.simulation.effects import RELEASES, TASKS, Task

BETWEEN_SUBJECT_CV = 0.17
"""Spread of each person's overall binding; with the regional part (0.10) the total is the 20 % of METHODS 9."""
RELEASE_SD = 0.012
"""Personal part of a release that no trait explains."""

_MIN_FOR_INDEPENDENT_TRAITS = 5


class Rating(NamedTuple):
    """A questionnaire score: its column, mean and spread, and the limits of its scale."""

    column: str
    mean: float
    sd: float
    lowest: int
    highest: int


ER89 = Rating("er89_total", 43, 5, 14, 56)
STATE_RATINGS = tuple(
    Rating(f"{task}_{name}", mean, sd, 0, 100)
    for task, affect in (("rejection", 46.0), ("acceptance", 18.0))
    for name, mean, sd in (
        ("negative_affect", affect, 14.0),
        ("positive_affect", 70.0 - affect, 13.0),
        ("social_desire", 40.0 if task == "rejection" else 62.0, 15.0),
    )
)


class Participant(NamedTuple):
    """One person.

    Attributes
    ----------
    label
        BIDS label without the prefix.
    scores
        Column of a rating to its whole-numbered value.
    binding
        Factor on the average person's BP_ND.
    releases
        (task, region) to the part of BP_ND lost during the challenge; empty in a null study.
    """

    label: str
    age: int
    sex: str
    weight_kg: float
    scores: dict[str, int]
    binding: float
    releases: dict[tuple[Task, str], float]
    first_task: Task


def draw_cohort(participants: int, seed: int, null: bool) -> tuple[Participant, ...]:
    """Draw the people; a null study has the same people without releases."""
    rng = np.random.default_rng([seed, 0])
    ratings = (ER89, *STATE_RATINGS)
    scores = _draw_scores(rng, participants, ratings)
    standard = {rating.column: _standardise(scores[:, i]) for i, rating in enumerate(ratings)}
    spread = np.sqrt(np.log1p(BETWEEN_SUBJECT_CV**2))
    width = max(2, len(str(participants)))
    people = []
    for i in range(participants):
        age, sex = int(rng.integers(21, 46)), str(rng.choice(["F", "M"]))
        weight_kg = round(float(np.clip(rng.normal(66 if sex == "F" else 80, 9), 48, 115)), 1)
        binding = float(np.exp(np.clip(rng.normal(0, spread), -0.4, 0.4)))
        own = rng.normal(0, RELEASE_SD, len(RELEASES))
        releases = {
            (release.task, release.region): float(
                release.mean + own[j] + (release.slope * standard[release.trait][i] if release.trait else 0.0)
            )
            for j, release in enumerate(RELEASES)
        }
        named = {rating.column: int(scores[i, j]) for j, rating in enumerate(ratings)}
        label = f"{i + 1:0{width}d}"
        first = TASKS[i % 2]
        people.append(
            Participant(label, age, sex, weight_kg, named, binding, {} if null else releases, first)
        )
    return tuple(people)


def _draw_scores(rng: np.random.Generator, n: int, ratings: tuple[Rating, ...]) -> FloatArray:
    """Whole-numbered scores (n, n_ratings); the traits that drive releases are uncorrelated in the sample.

    A handful of people would otherwise have correlated traits by chance, and a correlation built into one trait
    would be found with another.
    """
    deviates = rng.standard_normal((n, len(ratings)))
    driving = [i for i, rating in enumerate(ratings) if rating.column in {r.trait for r in RELEASES}]
    if n >= _MIN_FOR_INDEPENDENT_TRAITS:
        centred = deviates[:, driving] - deviates[:, driving].mean(axis=0)
        deviates[:, driving] = np.linalg.qr(centred)[0] * np.sqrt(n)
    columns = [
        np.clip(np.round(rating.mean + rating.sd * deviates[:, i]), rating.lowest, rating.highest)
        for i, rating in enumerate(ratings)
    ]
    return np.stack(columns, axis=1)


def _standardise(values: FloatArray) -> FloatArray:
    """Z scores over the sample; zeros when all values are equal."""
    spread = values.std()
    z: FloatArray = (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
    return z
