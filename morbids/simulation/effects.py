"""The effects built into a simulated study: the directions that Hsu et al. 2013 report in their abstract.

Sign: +1 is activation (release, BP_ND falls from baseline to challenge) or a release that grows with the trait;
-1 is deactivation, or a release that grows as the trait falls. Sizes are choices of this simulator.
"""

from typing import Literal, NamedTuple

Task = Literal["rejection", "acceptance"]
Kind = Literal["mean", "correlation"]

TASKS: tuple[Task, ...] = ("rejection", "acceptance")


class Release(NamedTuple):
    """How much a region releases in one task: part of BP_ND that is lost, mean + slope z(trait).

    Attributes
    ----------
    region
        Spheres of data/spheres.tsv: both sides of `Amygdala`, one of `VentralStriatum_L`.
    mean
        Average over participants; 0.14 is a BP_ND 14 % lower during the challenge.
    is_claim
        Whether the mean itself is one of the effects to find (else it only carries a correlation).
    trait
        Column of participants or ratings that the release follows; empty for none.
    slope
        Change of the release per standard deviation of the trait.
    """

    task: Task
    region: str
    mean: float
    is_claim: bool = True
    trait: str = ""
    slope: float = 0.0


class Effect(NamedTuple):
    """One effect that an analysis should find, with its direction."""

    name: str
    task: Task
    region: str
    kind: Kind
    trait: str
    sign: int


RELEASES: tuple[Release, ...] = (
    Release("rejection", "VentralStriatum", 0.15),
    Release("rejection", "Amygdala", 0.15, trait="er89_total", slope=0.06),
    Release("rejection", "MidlineThalamus", 0.14),
    Release("rejection", "PAG", 0.18, trait="er89_total", slope=0.07),
    Release("rejection", "sgACC", 0.07, False, "er89_total", 0.08),
    Release("rejection", "pgACC", 0.07, False, "rejection_negative_affect", -0.08),
    Release("acceptance", "Amygdala", 0.15),
    Release("acceptance", "AnteriorInsula", 0.14),
    Release("acceptance", "MidlineThalamus", -0.14),
    Release("acceptance", "sgACC", -0.15),
    Release("acceptance", "VentralStriatum_L", 0.07, False, "acceptance_social_desire", 0.08),
)
"""Everything that happens during the challenge blocks of a study that is not null."""


def built_in_effects(tasks: tuple[Task, ...] = TASKS) -> tuple[Effect, ...]:
    """List the effects that an analysis of a study with these tasks should find, each with its direction."""
    effects = []
    for release in releases_of(tasks):
        where = f"{release.task}: {release.region}"
        if release.is_claim:
            verb = "activation" if release.mean > 0 else "deactivation"
            effects.append(_effect(release, f"{where} {verb}", "mean", "", release.mean))
        if release.trait:
            name = f"{where} activation with {release.trait}"
            effects.append(_effect(release, name, "correlation", release.trait, release.slope))
    return tuple(effects)


def releases_of(tasks: tuple[Task, ...]) -> tuple[Release, ...]:
    """What happens during the challenge blocks of these tasks."""
    return tuple(release for release in RELEASES if release.task in tasks)


def _effect(release: Release, name: str, kind: Kind, trait: str, size: float) -> Effect:
    return Effect(name, release.task, release.region, kind, trait, 1 if size > 0 else -1)
