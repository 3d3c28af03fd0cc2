"""Designs of analyses of variance: groups, conditions within participants, and both together.

Questions of one degree of freedom (two groups, two conditions, their interaction) are questions of t on maps or on
differences of maps. These are the others, tested by F. Conditions within participants have a column for each
participant; signs of whole participants are flipped, so that no sphericity is taken for granted by the rearrangements.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.designs import Design, make_design


def repeated_measures(n_people: int, conditions: Sequence[str]) -> Design:
    """Whether conditions differ within participants: rows are participants, each with all conditions in their order.

    Its F is that of the analysis of variance of repeated measures.

    Raises
    ------
    MorbidsError
        Fewer than two conditions, or too few participants.
    """
    cells = _condition_columns(conditions, n_people)
    columns = _participants(n_people, len(conditions)) | cells
    return make_design(columns, [{name: 1.0} for name in cells], _blocks(n_people, len(conditions)))


def interaction_within(n_people: int, first: Sequence[str], second: Sequence[str]) -> Design:
    """Whether the effect of one factor within participants depends on another.

    Rows are participants, each with all levels of the second factor in the first level of the first, and so on. Each
    participant has a column for each level of either factor, so that the error is that of the interaction.

    Raises
    ------
    MorbidsError
        A factor has fewer than two levels, or there are too few participants.
    """
    n_first, n_second = len(first), len(second)
    one = _levels(np.repeat(np.arange(n_first), n_second), first)
    two = _levels(np.tile(np.arange(n_second), n_first), second)
    columns = {}
    for person, own in _participants(n_people, n_first * n_second).items():
        columns[person] = own
        for names in (one, two):
            columns |= {f"{person}.{name}": own * np.tile(level, n_people) for name, level in names.items()}
    cells = {
        f"{name}:{other}": np.tile(level * level_of_other, n_people)
        for name, level in one.items()
        for other, level_of_other in two.items()
    }
    blocks = _blocks(n_people, n_first * n_second)
    return make_design(columns | cells, [{name: 1.0} for name in cells], blocks)


def groups_by_conditions(groups: Sequence[str], conditions: Sequence[str]) -> Design:
    """Whether differences between conditions within participants depend on the group.

    Parameters
    ----------
    groups
        Of each participant; the rows are participants, each with all conditions in their order.

    Raises
    ------
    MorbidsError
        Fewer than two groups or conditions, or too few participants.
    """
    n_people, n_each = len(groups), len(conditions)
    cells = _condition_columns(conditions, n_people)
    levels = sorted(set(groups))
    numbers = np.repeat(np.array([levels.index(group) for group in groups]), n_each)
    both = {
        f"{name}:{group}": cell * level
        for name, cell in cells.items()
        for group, level in _levels(numbers, levels).items()
    }
    columns = _participants(n_people, n_each) | cells | both
    return make_design(columns, [{name: 1.0} for name in both], _blocks(n_people, n_each))


def differences_of(names: Sequence[str]) -> list[Mapping[str, float]]:
    """Weights of the contrasts that are 0 when columns of groups have one mean: each against the first."""
    return [{names[0]: -1.0, name: 1.0} for name in names[1:]]


def _levels(numbers: IntArray, names: Sequence[str]) -> dict[str, FloatArray]:
    """A column for each level but the first, where the number of the level of each row is given."""
    if len(names) < 2:
        raise MorbidsError(
            f"A factor has {len(names)} level{'s' if len(names) != 1 else ''}: {', '.join(names) or 'none'}.",
            "Compare two levels at least.",
        )
    return {name: (numbers == number).astype(float) for number, name in enumerate(names) if number}


def _condition_columns(conditions: Sequence[str], n_people: int) -> dict[str, FloatArray]:
    levels = _levels(np.arange(len(conditions)), conditions)
    return {name: np.tile(level, n_people) for name, level in levels.items()}


def _participants(n_people: int, n_each: int) -> dict[str, FloatArray]:
    """A column for each participant."""
    return {
        f"participant {number + 1}": column
        for number, column in enumerate(np.repeat(np.eye(n_people), n_each, 1))
    }


def _blocks(n_people: int, n_each: int) -> list[int]:
    return np.repeat(np.arange(n_people), n_each).tolist()
