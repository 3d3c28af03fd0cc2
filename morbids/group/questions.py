"""What a question is: words and a design; and how it becomes a comparison of rows."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from morbids.bids.group_designs import GroupDesign, build_designs
from morbids.bids.stats_model import Node, StatsModel
from morbids.errors import MorbidsError
from morbids.group.comparison import Comparison, Family, Missing, write_design
from morbids.group.row_sources import Rows, combine_maps, keep_terms
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.correlation import FEWEST_ROWS
from morbids.numerics.statistics.designs import variance_inflation
from morbids.numerics.statistics.unequal import check_groups

# Inflation of the variance of what is tested: told beyond the first (the usual bound), refused beyond the second.
INFLATED, INSEPARABLE = 5.0, 1000.0


class Words(NamedTuple):
    """What a comparison is called.

    Attributes
    ----------
    name, title
        For file names, and for people.
    asks
        A sentence that says what positive means.
    directions
        Of clusters of positive and of negative effect.
    second_group
        Column of the second group where variances may differ; empty for equal ones.
    family
        What kind of question it is.
    expected
        Sign of the effect that is expected; 0 for either.
    """

    name: str
    title: str
    asks: str
    directions: tuple[str, str]
    second_group: str = ""
    family: Family = "model"
    expected: int = 0


class Trait(NamedTuple):
    """A trait by its column, and what people call it."""

    column: str
    words: str


class Question(NamedTuple):
    """What is asked of the rows of a kind: a design with one contrast; name and title are added to the kind's.

    `trait` is that whose slope it is, None for other questions.
    """

    words: Words
    node: Node
    trait: Trait | None = None


class Asked(NamedTuple):
    """Comparisons, and by title the reasons why some cannot be made."""

    comparisons: tuple[Comparison, ...]
    skipped: Mapping[str, str]


def compare(rows: Rows, question: Question) -> Comparison:
    """Build the design of a question and keep the rows that it can use.

    Raises
    ------
    MorbidsError
        The design cannot be estimated.
    """
    words = question.words
    full = words._replace(name=f"{rows.name}{words.name}", title=f"{rows.title}{words.title}")
    (design,) = build_designs(StatsModel(rows.model, (question.node,)), rows.lines).designs
    if question.trait:
        _refuse_correlation(rows.lines[question.trait.column].to_numpy(dtype=float))
    return write_comparison(rows, design, 0, full, question.trait)


def compare_asked(rows: Rows, ask: Callable[[], Question]) -> Comparison:
    """The same of a question that is still to be made, which may be what cannot be done."""
    return compare(rows, ask())


def write_comparison(
    rows: Rows, design: GroupDesign, contrast: int, words: Words, trait: Trait | None = None
) -> Comparison:
    """Put the rows of a design and one of its contrasts together."""
    if design.source is not None:
        rows = combine_maps(rows, design.source)
    kept = design.rows.tolist()
    tested = design.contrasts[contrast].design
    if words.second_group:
        check_groups(tested.matrix, tested.matrix[:, tested.columns.index(words.second_group)] > 0)
    n_rows = len(rows.labels)
    return Comparison(
        model=rows.model,
        name=words.name,
        title=words.title,
        question=words.asks,
        quantity=rows.quantity,
        directions=words.directions,
        labels=tuple(rows.labels[row] for row in kept),
        maps=keep_terms(rows.maps, kept, n_rows),
        binding=rows.binding,
        tables=keep_terms(rows.tables, kept, n_rows),
        design=write_design(tested, words.second_group),
        trait=trait.column if trait else "",
        trait_words=trait.words if trait else "",
        dropped=(
            *(Missing(rows.labels[one.row], one.reason) for one in design.dropped),
            *rows.unpaired,
        ),
        family=words.family,
        expected=words.expected,
        protocols=rows.protocols._replace(tables=keep_terms(rows.protocols.tables, kept, n_rows)),
        scans=rows.scans if words.family == "between" else None,
        notes=tuple(_judge_collinear(design, contrast, words.title)),
    )


def _judge_collinear(design: GroupDesign, contrast: int, title: str) -> Iterator[str]:
    """Say where the other columns leave little of what is tested; refuse it where they leave next to nothing."""
    tested = design.contrasts[contrast].design
    inflation = variance_inflation(tested.matrix, tested.contrast)
    if inflation > INSEPARABLE:
        raise MorbidsError(
            f"The columns {', '.join(tested.columns)} are nearly collinear: the others explain "
            f"{100 * (1 - 1 / inflation):.3f} % of what is tested.",
            "Leave one of them out.",
        )
    if inflation > INFLATED:
        yield (
            f"{title}: the other columns of the design explain {100 * (1 - 1 / inflation):.0f} % of what is tested, "
            f"which makes its variance {inflation:.0f} times as large: its effect can hardly be told from theirs."
        )


def _refuse_correlation(values: FloatArray) -> None:
    """Refuse a slope on a trait that few know or that is all the same."""
    present = values[np.isfinite(values)]
    if len(present) < FEWEST_ROWS or np.ptp(present) == 0:
        raise MorbidsError(
            f"{len(present)} scans have a value, or all the same; a correlation needs {FEWEST_ROWS} that differ.",
            "Fill in the column.",
        )
