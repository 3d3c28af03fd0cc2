"""Comparisons that a BIDS Stats Model file asks for."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from morbids.bids.group_designs import NamedDesign, build_designs
from morbids.bids.names import entity_label
from morbids.bids.stats_model import read_stats_model
from morbids.errors import ExitCode, MorbidsError
from morbids.group.comparison import DIFFERENCE, Comparison, Missing
from morbids.group.questions import Words, write_comparison
from morbids.group.row_sources import rows_of_kind
from morbids.group.rows import GroupRows, RowKind
from morbids.settings import GroupSettings


def ask_model(path: Path, group: GroupRows, dataset: Path, settings: GroupSettings) -> tuple[Comparison, ...]:
    """Make every comparison of a model file.

    Raises
    ------
    MorbidsError
        The file is no model that morbids can do, a design cannot be estimated, options say the same in another
        way, or two contrasts have one name.
    """
    _refuse_options(settings)
    if group.percent:
        raise MorbidsError(
            "--maps percent of single scans cannot be combined with --stats-model.",
            "A model file takes the maps as they are: leave --maps out.",
            ExitCode.USAGE,
        )
    model = read_stats_model(path, settings.stats_model_node)
    designs = build_designs(model, group.table)
    everything = RowKind("", "", "", group.found.rows, group.table)
    rows = rows_of_kind(everything, group, dataset)._replace(model=entity_label(model.name))
    unplaced = tuple(Missing(rows.labels[one.row], one.reason) for one in designs.dropped)
    comparisons: list[Comparison] = []
    for design in designs.designs:
        values = ", ".join(design.group.values())
        for place, contrast in enumerate(design.contrasts):
            words = Words(
                entity_label(f"{design.label} {contrast.name}"),
                f"{design.node}{f' ({values})' if values else ''}: {contrast.name}",
                f"Contrast {contrast.name} of the model {design.node}. {_what_it_says(contrast)}",
                DIFFERENCE if contrast.design.n_tested else ("positive", "negative"),
            )
            comparison = write_comparison(rows, design, place, words)
            comparisons.append(replace(comparison, dropped=comparison.dropped + unplaced))
    _refuse_same_names(path, comparisons)
    return tuple(comparisons)


def _what_it_says(contrast: NamedDesign) -> str:
    if contrast.design.n_tested:
        return f"F: whether any of its {contrast.design.n_tested} weighted sums differs from 0."
    return "Positive: the weighted sum is above 0."


def _refuse_options(settings: GroupSettings) -> None:
    given = {
        "--trait": settings.traits,
        "--covariate": settings.covariates,
        "--group-column": settings.group_column,
        "--equal-variances": settings.equal_variances,
        "--within": settings.within,
        "--average-runs": settings.average_runs,
    }
    wrong = [name for name, value in given.items() if value]
    if wrong:
        raise MorbidsError(
            f"{', '.join(wrong)} cannot be combined with --stats-model.",
            "Write the columns into X of the model file, or leave the file out.",
            ExitCode.USAGE,
        )


def _refuse_same_names(path: Path, comparisons: list[Comparison]) -> None:
    twice = [name for name, count in Counter(one.name for one in comparisons).items() if count > 1]
    if twice:
        raise MorbidsError(
            f"{path}: two contrasts would write files of one name, contrast-{twice[0]}.",
            "Give nodes and contrasts names that differ in letters or digits.",
            ExitCode.USAGE,
        )
