"""Which questions the group level asks, of which maps: decided before anything runs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from morbids.errors import ExitCode, MorbidsError
from morbids.group.built_in import ask_built_in
from morbids.group.comparison import Comparison
from morbids.group.models import ask_model
from morbids.group.questions import Asked
from morbids.group.regions import SmallVolumes, Sphere, choose_small_volumes, read_spheres
from morbids.group.rows import GroupRows, doubt_columns, doubt_runs, doubt_smoothing, find_rows
from morbids.numerics.statistics.plan import People
from morbids.settings import GroupSettings, Study
from morbids.words import listed


@dataclass(frozen=True)
class GroupPlan:
    """All questions of a group run.

    Attributes
    ----------
    group
        Rows, and what was left out with its reason.
    dataset
        Where the maps are.
    comparisons
        What is tested.
    skipped
        Questions that cannot be asked, by title, with the reason.
    spheres
        A-priori regions.
    small_volumes
        Searched on their own.
    notes
        Doubts about columns and designs, in sentences.
    """

    group: GroupRows
    dataset: Path
    comparisons: tuple[Comparison, ...]
    skipped: Mapping[str, str]
    spheres: tuple[Sphere, ...]
    small_volumes: SmallVolumes
    notes: tuple[str, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, each a folder."""
        return tuple(dict.fromkeys(comparison.model for comparison in self.comparisons))

    def people_of(self, comparison: Comparison) -> People:
        """Number the rows of a comparison among those of all, so that rearrangements move the same people."""
        everyone = sorted({mover for one in self.comparisons for mover in one.movers})
        return People(tuple(map(everyone.index, comparison.movers)), len(everyone))


def plan_group(
    study: Study, settings: GroupSettings, on_progress: Callable[[int], None] | None = None
) -> GroupPlan:
    """Find the maps and write down every question.

    `on_progress` is told how many more maps were read.

    Raises
    ------
    MorbidsError
        There are no maps, no question can be asked of them, or an option names what is not there.
    """
    _check_options(study, settings)
    spheres = read_spheres(settings.regions)
    small_volumes = choose_small_volumes(settings.small_volumes, spheres)
    group = find_rows(study, settings, on_progress)
    dataset = group.dataset
    if settings.stats_model is None:
        asked = ask_built_in(group, dataset, settings)
    else:
        asked = Asked(ask_model(settings.stats_model, group, dataset, settings), {})
    if not asked.comparisons:
        reasons = " ".join(f"{title}: {reason}" for title, reason in asked.skipped.items())
        raise MorbidsError(
            f"No group test can be made of the {len(group.found.rows)} maps in {dataset}. {reasons}".strip(),
            "" if reasons else "Maps of one kind alone can be compared with --trait or --group-column.",
        )
    chosen = _choose(asked, settings.contrasts)
    if settings.coverage < 1:
        chosen = tuple(replace(one, design=replace(one.design, voxelwise=True)) for one in chosen)
    _refuse_same_names(chosen)
    notes = (
        *doubt_columns(group.table, settings),
        *(note for one in chosen for note in one.notes),
        *_unused_methods(chosen, settings),
        *(doubt_runs(group.kinds) if settings.average_runs else ()),
        *doubt_smoothing(group.found.rows, settings.group_smoothing_fwhm_mm),
    )
    return GroupPlan(group, dataset, chosen, asked.skipped, spheres, small_volumes, notes)


def _refuse_same_names(chosen: tuple[Comparison, ...]) -> None:
    """Refuse two comparisons whose files would have one name: `a-b` and `a b` are spelled alike there."""
    titles: dict[tuple[str, str], str] = {}
    for one in chosen:
        other = titles.setdefault((one.model, one.name), one.title)
        if other != one.title:
            raise MorbidsError(
                f"'{other}' and '{one.title}' would both write contrast-{one.name}.",
                "Give values of columns, scans and traits names that differ in letters or digits.",
                ExitCode.USAGE,
            )


def _check_options(study: Study, settings: GroupSettings) -> None:
    """Refuse what would be ignored."""
    if len(study.derivatives) > 1:
        raise MorbidsError(
            "The group level reads maps from one dataset, and --derivatives names several.",
            "Name the one that has the maps.",
            ExitCode.USAGE,
        )
    if settings.maps_table is not None and (study.derivatives or settings.map_kind == "parameter"):
        raise MorbidsError(
            "--maps-table lists the maps: --derivatives and --maps parameter would be ignored.",
            "Leave them out.",
            ExitCode.USAGE,
        )
    if settings.equal_variances and not settings.group_column and settings.stats_model is None:
        raise MorbidsError(
            "--equal-variances has no use without two groups.", "Add --group-column.", ExitCode.USAGE
        )
    if settings.stats_model_node and settings.stats_model is None:
        raise MorbidsError(
            "--stats-model-node has no use without a model.", "Add --stats-model.", ExitCode.USAGE
        )
    if settings.average_runs and "run" in settings.within:
        raise MorbidsError(
            "--within run compares the runs that --average-runs averages.",
            "Leave one of them out.",
            ExitCode.USAGE,
        )
    if settings.variance_smoothing_fwhm_mm and settings.coverage < 1:
        raise MorbidsError(
            "--variance-smoothing cannot be combined with --coverage: neighbours would be of other maps.",
            "Leave one of them out.",
            ExitCode.USAGE,
        )
    if settings.variance_smoothing_fwhm_mm and settings.group_column and not settings.equal_variances:
        raise MorbidsError(
            "--variance-smoothing cannot be combined with Welch's test, which has two variances.",
            "Add --equal-variances.",
            ExitCode.USAGE,
        )


def _unused_methods(chosen: tuple[Comparison, ...], settings: GroupSettings) -> Iterator[str]:
    """Say which methods some comparisons are not judged by.

    Raises
    ------
    MorbidsError
        Nothing is left to judge them by.
    """
    titles: dict[tuple[str, str], list[str]] = {}
    for comparison in chosen:
        reasons = {name: why for name in settings.inference if (why := comparison.design.why_not(name))}
        if len(reasons) == len(settings.inference):
            why = next(iter(reasons.values()))
            raise MorbidsError(
                f"{comparison.title} cannot be judged by {', '.join(reasons)}: {why}.",
                "Add max-t to --inference.",
                ExitCode.USAGE,
            )
        for why in dict.fromkeys(reasons.values()):
            left_out = ", ".join(name for name, own in reasons.items() if own == why)
            titles.setdefault((left_out, why), []).append(comparison.title)
    for (left_out, why), named in titles.items():
        yield f"{listed(named, 1)} {'are' if len(named) > 1 else 'is'} not judged by {left_out}: {why}."


def _choose(asked: Asked, wanted: tuple[str, ...]) -> tuple[Comparison, ...]:
    """Keep the contrasts that the user names."""
    comparisons = asked.comparisons
    if not wanted:
        return comparisons
    refused = [f"{title} cannot be tested: {reason}" for title, reason in asked.skipped.items()]
    for pattern in wanted:
        if not any(fnmatchcase(comparison.name, pattern) for comparison in comparisons):
            raise MorbidsError(
                f"There is no contrast '{pattern}'.",
                " ".join(
                    [f"There are {', '.join(comparison.name for comparison in comparisons)}.", *refused]
                ),
                ExitCode.USAGE,
            )
    return tuple(one for one in comparisons if any(fnmatchcase(one.name, pattern) for pattern in wanted))
