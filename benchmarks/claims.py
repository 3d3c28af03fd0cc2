"""What whole studies claim: without any effect, with release, and with nothing but the protocol's own bias.

Each study is a dataset of map files on a grid of 6 mm, as the participant level leaves them: 18 people, two tasks with
baseline, challenge and difference, three traits. It goes through everything from planning to the record of claims, in
one process and without pictures. Noise of the change has a standard deviation of 12 % of the binding of its place in a
sphere of 9 mm. The reference beside it is written here from numpy alone: Holm over all region tests and max-T
per contrast with Holm over contrasts, each at half of the page's level.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.mapped.reference import Contrast, judge_by_reference
from benchmarks.mapped.studies import (
    BINDING,
    CHANGED,
    N_PEOPLE,
    TASKS,
    Drawn,
    Recipe,
    draw_study,
    near,
    prepare_brain,
    smooth_maps,
    write_study,
)
from morbids.bids.filters import Filters
from morbids.group.claims import FIRST_FAMILY, Claims, judge_claims
from morbids.group.comparison import Comparison, Terms
from morbids.group.locate import Found
from morbids.group.plan import GroupPlan, plan_group
from morbids.group.sentences import say_skewness
from morbids.group.steps.evidence import Baselines, Claiming, gather_evidence
from morbids.group.steps.inference import Asked, infer
from morbids.group.steps.maps import Stack, StackRule, stack_maps
from morbids.group.steps.permutations import Heights, permute, plan_tests
from morbids.group.steps.regions import compare_regions, measure_spheres
from morbids.numerics.statistics.claims import height_of_p, judge_jointly, tail_of_t
from morbids.numerics.statistics.methods import ALPHA
from morbids.settings import GroupSettings, Study

N_REARRANGEMENTS = 199
SETTINGS = GroupSettings(
    inference=("max-t",),
    n_permutations=N_REARRANGEMENTS,
    traits=("first", "second", "third"),
    small_volumes=("none",),
)
GROUPS = replace(SETTINGS, traits=(), group_column="group")
# Skewness of the errors of a voxel, before smoothing.
SKEWNESS = (0.5, 1.0, 2.0)


class Outcome(NamedTuple):
    """What one page claims.

    Attributes
    ----------
    regions, maps
        Claimed (contrast, region), and contrasts whose map is claimed.
    marked
        Of the claimed changes from baseline, which the protocol can make: those that are marked as what could be the
        protocol, and all of them.
    unmarked
        Whether the page claims anything without that mark.
    warned
        Whether the page warns of skewed errors.
    """

    regions: frozenset[tuple[str, str]]
    maps: frozenset[str]
    marked: tuple[int, int] = (0, 0)
    unmarked: bool = False
    warned: bool = False


def run(quick: bool) -> dict[str, float]:
    """Judge studies of every kind.

    Returns
    -------
    dict
        false_claim_share, false_region_claim_share, false_brain_claim_share: null studies with any claim.
        groups_*: the same for 4 against 14 people. skewed_<skewness>_*: errors that are not symmetric, and the share
        of pages that warn. found_over_reference: effects found with 10 % release over those of the reference, the
        smaller of regions and maps. marked_share: claimed changes that are marked where all is the protocol's bias;
        unmarked_page_share: such pages that claim anything without a mark, slopes on traits among them.
        edge_unmarked_share: families of regions whose effects all are the one value that the protocol reads, of which
        a claimed one is not marked; edge_unmarked_alone_share: the same by each region's own 95 % interval.
        monte_carlo_error: two standard errors of a share of .05.
    """
    n_studies = 20 if quick else 200
    null = _run_many(Recipe(), SETTINGS, n_studies)
    figures = _shares("", null) | _shares("groups_", _run_many(Recipe(n_second=4), GROUPS, n_studies))
    for skewness in SKEWNESS:
        skewed = _run_many(Recipe(skewness=skewness), SETTINGS, n_studies // 4)
        warned = float(np.mean([one.warned for one in skewed]))
        figures |= _shares(f"skewed_{skewness:g}_", skewed) | {f"skewed_{skewness:g}_warned_share": warned}
    figures |= {"warned_share": float(np.mean([one.warned for one in null]))}
    figures |= _power(n_studies // 4)
    figures |= _marks(n_studies // 10)
    figures |= _edge(150 if quick else 1500)
    return figures | {"monte_carlo_error": float(2 * np.sqrt(ALPHA * (1 - ALPHA) / n_studies))}


def judge_study(recipe: Recipe, settings: GroupSettings, seed: int, folder: Path) -> tuple[Outcome, Drawn]:
    """Write one study, and judge it as the group level does."""
    drawn = draw_study(recipe, seed)
    write_study(drawn, folder)
    study = Study(folder / "raw", folder / "out", Filters(), "")
    settings = replace(settings, random_seed=seed)
    plan = plan_group(study, settings)
    prepared: dict[Terms, _Prepared] = {}
    found = []
    for one in plan.comparisons:
        own = folder / "steps" / one.name
        own.mkdir(parents=True)
        if one.maps not in prepared:
            prepared[one.maps] = _prepare(one, plan, settings, own)
        found.append(_test(one, prepared[one.maps], plan, settings, own))
    return _outcome(judge_claims(found, settings.inference[0])), drawn


class _Prepared(NamedTuple):
    """Maps and regions of the same rows, which several questions ask."""

    stack: Stack
    values: Path


def _prepare(one: Comparison, plan: GroupPlan, settings: GroupSettings, folder: Path) -> _Prepared:
    rule = StackRule(settings.group_smoothing_fwhm_mm, settings.mask_threshold, settings.coverage)
    stack = stack_maps(one.maps, one.binding, len(one.labels), prepare_brain().mask, rule, folder)
    return _Prepared(stack, measure_spheres(one.maps, one.labels, plan.spheres, folder).values)


def _test(
    one: Comparison, prepared: _Prepared, plan: GroupPlan, settings: GroupSettings, folder: Path
) -> Found:
    """Run the steps of one comparison; the joint rearrangements serve its own correction too."""
    brain, people = prepare_brain(), plan.people_of(one)
    (maps, mask, _, rule, *_), values = prepared
    design, first, seed = one.design, settings.inference[0], settings.random_seed
    tests = plan_tests(design, settings.inference, settings.n_permutations, seed, 0.0, people, one.expected)
    joint = tuple(replace(test, label="joint") for test in tests if test.joint)
    (piece,) = joint[0].plan.pieces(1)
    heights = Heights(settings.cluster_forming_p)
    maxima = [permute(maps, mask, design, joint[0], piece, heights, folder).maxima]
    regions = compare_regions(values, design, True, folder).tests
    asked = Asked(design, one.directions, joint, settings.inference, heights)
    judged = infer(maps, mask, rule, maxima, asked, (brain.labels,) * 2, (brain.names,) * 2, folder)
    claiming = Claiming(design, one.expected, joint, first, people, settings.n_permutations, seed, heights)
    baselines = Baselines(one.binding if one.protocols.tables.added else (), plan.spheres)
    evidence = gather_evidence(values, maps, mask, maxima, claiming, baselines, True, folder)
    return Found(
        one, evidence.table, evidence.facts, regions, judged.maps, mask, judged.table, judged.summary
    )


def _outcome(claims: Claims) -> Outcome:
    questions = claims.questions
    claimed = [one for one in questions if one.claimed]
    changes = [one for one in claimed if one.comparison.family == FIRST_FAMILY]
    return Outcome(
        frozenset((one.comparison.name, region.name) for one in questions for region in one.claimed_regions),
        frozenset(one.comparison.name for one in questions if one.brain is not None and one.brain.claimed),
        (sum(bool(one.could_be_protocol) for one in changes), len(changes)),
        not all(one.could_be_protocol for one in claimed),
        any(say_skewness(one) for one in questions),
    )


def _run_many(recipe: Recipe, settings: GroupSettings, n_studies: int) -> list[Outcome]:
    return [_run_one(recipe, settings, seed)[0] for seed in range(n_studies)]


def _run_one(recipe: Recipe, settings: GroupSettings, seed: int) -> tuple[Outcome, Drawn]:
    with tempfile.TemporaryDirectory() as folder:
        return judge_study(recipe, settings, seed, Path(folder))


def _shares(prefix: str, outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Shares of studies with any claim, of regions and of maps."""
    regions = np.array([bool(one.regions) for one in outcomes])
    maps = np.array([bool(one.maps) for one in outcomes])
    return {
        f"{prefix}false_claim_share": float((regions | maps).mean()),
        f"{prefix}false_region_claim_share": float(regions.mean()),
        f"{prefix}false_brain_claim_share": float(maps.mean()),
    }


def _power(n_studies: int) -> dict[str, float]:
    """Effects found with 10 % release, beside the reference on the same studies."""
    true_regions, true_maps = _truth()
    counts = np.zeros((2, 2))
    for seed in range(n_studies):
        outcome, drawn = _run_one(Recipe(release=0.1), SETTINGS, seed)
        reference = judge_by_reference(_contrasts(drawn), ALPHA, seed)
        named = {(name, tuple(BINDING)[region]) for name, region in reference.regions}
        counts[0] += len(outcome.regions & true_regions), len(outcome.maps & true_maps)
        counts[1] += len(named & true_regions), len(reference.maps & true_maps)
    regions, maps = counts[0] / np.maximum(counts[1], 1)
    return {
        "found_over_reference": float(min(regions, maps)),
        "regions_over_reference": float(regions),
        "maps_over_reference": float(maps),
        "regions_found_share": float(counts[0, 0] / n_studies / len(true_regions)),
        "maps_found_share": float(counts[0, 1] / n_studies / len(true_maps)),
    }


def _marks(n_studies: int) -> dict[str, float]:
    """Shares of what is claimed and marked, where everything is the protocol's bias."""
    outcomes = _run_many(Recipe(biased=True), SETTINGS, n_studies)
    marked, claimed = np.sum([one.marked for one in outcomes], axis=0)
    return {
        "marked_share": float(marked / claimed),
        "biased_changes_per_study": float(claimed / n_studies),
        "unmarked_page_share": float(np.mean([one.unmarked for one in outcomes])),
    }


def _edge(n_families: int) -> dict[str, float]:
    """How often an interval of 14 regions, correlated by .5, lies beside the true effect of a claimed one, 1.5 SD."""
    n_regions, edge, rng = 14, 1.5, np.random.default_rng(77)
    unmarked = np.zeros(2)
    share = np.full(n_regions, 1 / n_regions)
    heights = [height_of_p(p, N_PEOPLE - 1, two_tailed=True) for p in (ALPHA / n_regions, ALPHA)]
    for _ in range(n_families):
        shared, own = rng.standard_normal((N_PEOPLE, 1)), rng.standard_normal((N_PEOPLE, n_regions))
        values = edge + np.sqrt(0.5) * (shared + own)
        signs = np.concatenate(
            [np.ones((1, N_PEOPLE)), rng.choice([-1.0, 1.0], (N_REARRANGEMENTS, N_PEOPLE))]
        )
        mean = signs @ values / N_PEOPLE
        variance = ((values**2).sum(axis=0) - N_PEOPLE * mean**2) / (N_PEOPLE - 1)
        errors = np.sqrt(variance / N_PEOPLE)
        p = tail_of_t(mean / errors, N_PEOPLE - 1, two_tailed=True)
        claimed = judge_jointly(p / share, np.zeros(n_regions, dtype=bool), ALPHA).p <= ALPHA
        beside = [np.abs(mean[0] - edge) > height * errors[0] for height in heights]
        unmarked += [bool(np.any(claimed & one)) for one in beside]
    jointly, alone = unmarked / n_families
    return {"edge_unmarked_share": float(jointly), "edge_unmarked_alone_share": float(alone)}


def contrast_names() -> dict[str, str]:
    """Contrasts of a study by what they compare."""
    first, second = (f"{task[0].upper()}{task[1:]}" for task in sorted(TASKS))
    change = {task: f"baselineMinus{task[0].upper()}{task[1:]}" for task in TASKS}
    against = f"{first[0].lower()}{first[1:]}Against{second}"
    return change | {"against": against, "late": f"{against}Late"}


def _truth() -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    """Regions that differ in each contrast, and contrasts with any."""
    names = contrast_names()
    regions = {(names[task], region) for task in TASKS for region in CHANGED[task]}
    for region in BINDING:
        signs = {CHANGED[task].get(region, 0) for task in TASKS}
        if len(signs) > 1:
            regions |= {(names["against"], region), (names["late"], region)}
    return frozenset(regions), frozenset(name for name, _ in regions)


def _contrasts(drawn: Drawn) -> list[Contrast]:
    """The same questions from the arrays, without the program."""
    names, windows = contrast_names(), drawn.windows
    change = {task: early - late for task, (early, late) in windows.items()}
    first, second = sorted(TASKS)
    tested = {names[task]: change[task] for task in TASKS}
    tested[names["against"]] = change[first] - change[second]
    tested[names["late"]] = windows[second][1] - windows[first][1]
    inside = [near(region, 4.0) for region in BINDING]
    contrasts = []
    for name, maps in tested.items():
        regions = np.stack([maps[:, voxels].mean(axis=1) for voxels in inside], axis=1)
        smooth = smooth_maps(maps)
        contrasts.append(Contrast(name, smooth, regions))
        if name in (names[task] for task in TASKS):
            contrasts += [
                Contrast(f"{name}By{number}", smooth, regions, trait)
                for number, trait in enumerate(drawn.traits)
            ]
    return contrasts
