"""A test of every region over the group, corrected over the regions by joint rearrangements; tables and a page."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.dataset import morbids_version
from morbids.bids.names import entity_label, output_path
from morbids.bids.sidecars import write_described
from morbids.bids.traits import PARTICIPANT, join_traits, numeric_trait, read_traits, trait
from morbids.curves.tables import find_parameters
from morbids.curves.values import GroupValues, read_values
from morbids.errors import ExitCode, MorbidsError
from morbids.group.steps.regions import columns_of, tidy
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import Design, one_sample, regression, two_sample
from morbids.numerics.statistics.plan import People, PermutationPlan, plan_jointly
from morbids.numerics.statistics.regions import RegionTests, compare_design, rearrange_regions
from morbids.reports.figures.group import draw_forest
from morbids.reports.figures.style import write_figure
from morbids.reports.pages import Figure, Page, PValue, Section, Table, Text, write_page

ALPHA = 0.05
# p of a rearrangement that repeats the data differs from that of the data by rounding.
_ROUNDING = 1e-9
FAMILY = ("p, family-wise over the regions, by rearranging participants", "")


class Question(NamedTuple):
    """A design of the rows that have all it needs, what it asks, and what positive and negative effects mean."""

    values: pd.DataFrame
    design: Design
    asks: str
    directions: tuple[str, str]


class Answer(NamedTuple):
    """Tests of the regions and their family-wise p (n_regions,)."""

    tests: RegionTests
    p_family: FloatArray
    plan: PermutationPlan


def analyse_group(arguments: Any) -> str:
    """Test the group and write tables and page; return a sentence.

    Raises
    ------
    MorbidsError
        There are no tables, or the question cannot be asked of them.
    """
    folders = (arguments.output_dir, arguments.curves_dir)
    tables = find_parameters(folders, dict(arguments.select), arguments.model)
    models = sorted({table.model for table in tables})
    if len(models) > 1:
        raise MorbidsError(
            f"There are tables of {', '.join(models)}.", "Choose with --model.", ExitCode.USAGE
        )
    values = read_values(tables, arguments.measure, arguments.contrast)
    question = ask(values, arguments)
    answer = judge(question, arguments.n_permutations, arguments.random_seed)
    name = entity_label(arguments.contrast.name if arguments.contrast else arguments.measure)
    named = {"model": models[0], "contrast": name}
    page = write_answer(question, answer, values.left_out, named, arguments)
    return f"{conclude(question, answer)} {page}"


def ask(values: GroupValues, arguments: Any) -> Question:
    """Make the design of what was asked, of the participants who have all that it needs.

    Raises
    ------
    MorbidsError
        Nothing was asked of a parameter alone; a column cannot be had; there are too few participants.
    """
    what = f"{arguments.measure}: {arguments.contrast.name}" if arguments.contrast else arguments.measure
    asked = [*filter(None, (arguments.trait, arguments.group_column))]
    people = pd.DataFrame({PARTICIPANT: [f"sub-{label}" for label in values.table.index]})
    traits = read_traits(arguments.bids_dir or arguments.curves_dir, [*asked, *arguments.covariate])
    joined = join_traits(people, traits)
    columns = {name: numeric_trait(joined, name) for name in arguments.covariate}
    if arguments.trait:
        columns[arguments.trait] = numeric_trait(joined, arguments.trait)
    groups = trait(joined, arguments.group_column) if arguments.group_column else None
    kept = np.ones(len(people), dtype=bool)
    for column in (*columns.values(), *([] if groups is None else [groups])):
        kept &= column.notna().to_numpy()
    table = values.table[kept]
    others = {name: column[kept].to_numpy() for name, column in columns.items()}
    if arguments.trait:
        design = regression(others.pop(arguments.trait), arguments.trait, others)
        return Question(table, design, f"{what} against {arguments.trait}", ("rises", "falls"))
    if groups is not None:
        first, second = _two_groups(groups[kept].astype(str), arguments.group_column)
        of_second = (groups[kept].astype(str) == second).to_numpy()
        design = two_sample(of_second, others, names=(first, second), equal_variances=False)
        return Question(table, design, f"{what}: {second} minus {first}", (second, first))
    if arguments.contrast is None:
        raise MorbidsError(
            f"{arguments.measure} alone is no question: it is above zero wherever the tracer binds.",
            "Give --contrast, --trait or --group-column.",
            ExitCode.USAGE,
        )
    return Question(table, one_sample(len(table), others), what, tuple(arguments.contrast[1:]))


def _two_groups(groups: "pd.Series[str]", column: str) -> tuple[str, str]:
    names = sorted(groups.unique())
    if len(names) != 2:
        raise MorbidsError(
            f"The column {column} tells {len(names)} groups apart: {', '.join(names)}.",
            "Here it must be two; more of them need maps (run.py).",
            ExitCode.USAGE,
        )
    return names[0], names[1]


def judge(question: Question, n_rearrangements: int, seed: int) -> Answer:
    """Test every region; the smallest p of each rearrangement over all regions is the null of the family."""
    n = len(question.values)
    plan = plan_jointly(question.design, n_rearrangements, People(range(n), n), seed=seed)
    values = question.values.to_numpy()
    p = rearrange_regions(values, question.design, plan)
    smallest = np.nanmin(p, axis=1)
    family = (smallest[:, None] <= p[0] * (1 + _ROUNDING)).mean(axis=0)
    return Answer(compare_design(values, question.design), np.where(np.isfinite(p[0]), family, np.nan), plan)


def conclude(question: Question, answer: Answer) -> str:
    """What is claimed, in one sentence."""
    asks, n = question.asks, len(question.values)
    if answer.plan.smallest_p > ALPHA:
        return (
            f"{asks}: {n} participants are too few for any claim (smallest p {answer.plan.smallest_p:.3f})."
        )
    claimed = [
        f"{region} ({effect:+.3g}, p {p:.3f})"
        for region, effect, p in zip(
            question.values.columns, answer.tests.effect, answer.p_family, strict=True
        )
        if p <= ALPHA
    ]
    found = ", ".join(claimed) if claimed else "nothing"
    return f"{asks}, {n} participants, {len(answer.p_family)} regions: claimed at family-wise p .05: {found}."


def write_answer(
    question: Question, answer: Answer, left_out: tuple[str, ...], named: dict[str, str], arguments: Any
) -> Path:
    """Write values, tests, figure and page; return the page."""
    out, regions = arguments.output_dir, list(question.values.columns)
    table = pd.DataFrame({"name": regions, "label": regions, **answer.tests._asdict()})
    table = tidy(table[list(columns_of("t"))].assign(p_family=answer.p_family))
    path = output_path(out, {}, "regions", named)
    write_described(table, path, question.asks, columns_of("t") | {"p_family": FAMILY})
    each = tidy(question.values.rename_axis("participant").reset_index())
    told = {"participant": ("Label", ""), **{region: (region, arguments.measure) for region in regions}}
    write_described(each, output_path(out, {}, "regions", named | {"desc": "values"}), question.asks, told)
    figure = output_path(out, {}, "group_figure", {"desc": "forest", **named})
    drawn = draw_forest(answer.tests, regions, question.directions, answer.p_family, label=question.asks)
    write_figure(drawn, figure)
    shown = table[["name", "n", "effect", "ci_low", "ci_high", "t", "p", "p_family"]]
    rows = tuple(
        (*row[:-2], PValue(row[-2]), PValue(row[-1])) for row in shown.itertuples(index=False, name=None)
    )
    sections = (
        Section("Regions", conclude(question, answer), (
            Figure(figure, "Effect of every region with its 95 % interval; filled: claimed.", question.asks),
            Table(tuple(shown.columns), rows, file=path),
        )),
        Section("Participants", "", (Text(left_out or ("Nobody was left out.",)),)),
        Section("Methods", "", (Text((_methods(answer, named["model"]),)),)),
    )  # fmt: skip
    page = Page("Regional values of a group", question.asks, sections, footer=f"morbids {morbids_version()}")
    return write_page(page, output_path(out, {}, "group_page"))


def _methods(answer: Answer, model: str) -> str:
    way = "signs" if answer.plan.exchange == "signs" else "orders"
    return (
        f"Regional parameters of {model}. Each region is tested by t, two-tailed; family-wise p compares it with the "
        f"smallest p over all regions of {answer.plan.n_rearrangements} random rearrangements of participants "
        f"({way}, seed {answer.plan.seed})."
    )
