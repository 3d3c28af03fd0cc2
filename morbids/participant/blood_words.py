"""What pages and the dry run say of blood: as planned, and as it became known while running."""

from morbids.bids.sidecars import MEASUREMENTS
from morbids.errors import MorbidsError
from morbids.numerics.kinetics.models import MODELS
from morbids.participant.facts import BloodFacts
from morbids.participant.kinetic_plan import KineticPlan
from morbids.participant.plan import ScanPlan
from morbids.participant.quality import read_fit_facts
from morbids.settings import ScanSettings, Study

_FRACTIONS = {
    "auto": "the nearer of a Hill and a power function [@Watabe2000], or lines where neither fits",
    "hill": "a Hill function",
    "power": "a power function [@Watabe2000]",
    "linear": "straight lines",
    "none": "one: all radioactivity in plasma was taken for the tracer",
}


def describe_blood(kinetics: KineticPlan) -> str:
    """Plasma as a plan knows it, in words; empty where a reference region drives the model."""
    if kinetics.blood is None:
        return ""
    plasma, rules = kinetics.blood.plasma, kinetics.input_rules
    volume = kinetics.blood_volume
    parts = (
        f"{len(plasma.value)} samples of plasma to {plasma.time_min[-1]:.0f} min",
        f"parent fraction {rules.parent if kinetics.blood.parent is not None else 'none'}",
        "delay estimated" if rules.delay_s is None else f"delay {rules.delay_s:g} s",
        "share of blood fitted" if volume is None else f"share of blood {volume:g}",
    )
    return ", ".join(parts)


def tell_blood(plan: ScanPlan, study: Study, settings: ScanSettings) -> str:
    """The same with what the run found: delay with its standard error, and the rule of the parent fraction."""
    told = describe_blood(plan.kinetics)
    try:
        facts = read_fit_facts(BloodFacts, plan, study, settings)
    except MorbidsError as error:
        return str(error)
    if facts is None or facts.delay_s is None:
        return told
    spread = "" if facts.delay_se is None else f" ± {facts.delay_se:.1f}"
    found = f"delay {facts.delay_s:.1f}{spread} s ({facts.delay_source}), parent fraction {facts.parent_rule}"
    return f"{told}; found: {found}"


def blood_notes(plan: ScanPlan, study: Study, settings: ScanSettings) -> tuple[str, ...]:
    """What was noted when the input function was made; an unreadable sidecar is told by `tell_blood`."""
    if plan.kinetics.blood is None:
        return ()
    try:
        facts = read_fit_facts(BloodFacts, plan, study, settings)
    except MorbidsError:
        return ()
    return () if facts is None else facts.notes


def say_blood(kinetics: KineticPlan) -> dict[str, str]:
    """What the methods text says of blood and of what it estimates; empty where a reference region drives the model."""
    if kinetics.blood is None:
        return {}
    rules, volume = kinetics.input_rules, kinetics.blood_volume
    fraction = _FRACTIONS[rules.parent if kinetics.blood.parent is not None else "none"]
    delay = (
        f"estimated with two tissue compartments on the mean curve of {kinetics.reference.name}"
        if rules.delay_s is None
        else f"given as {rules.delay_s:g} s"
    )
    return {
        "estimated": MEASUREMENTS[MODELS[kinetics.model].parameters[0]].description,
        "blood": f"Arterial plasma had {len(kinetics.blood.plasma.value)} samples; the parent fraction was {fraction}; "
        f"the delay of the blood was {delay}; the share of blood in tissue was "
        f"{'fitted' if volume is None else f'{volume:g}'}.",
    }
