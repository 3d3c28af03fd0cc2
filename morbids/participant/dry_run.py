"""`--dry-run`: what a run would do with every scan, and everything that stands in the way; nothing is computed."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from morbids.bids.dataset import check_output
from morbids.bids.names import scan_label
from morbids.bids.validation import check_dataset
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.kinetics.models import MODELS
from morbids.participant.blood_words import describe_blood
from morbids.participant.causes import MOST_SHOWN, Cause, fetch_line, files_to_fetch, generalise, group_causes
from morbids.participant.collection import Plans, UnplannedScan, collect
from morbids.participant.cost import Cost, estimate_cost, total_minutes
from morbids.participant.kinetic_plan import KineticPlan
from morbids.participant.plan import ScanPlan
from morbids.settings import Resources, ScanSettings, Study
from morbids.words import listed


class DryRun(NamedTuple):
    """What would be done.

    Attributes
    ----------
    plans
        Of the scans, those that cannot start included.
    causes
        What stands in the way.
    costs
        Expected ones, by the scan's image, where there is a plan.
    exit_code
        OK where all scans can start, FAILED where some can, else the code that a run would end with.
    """

    plans: Plans
    causes: tuple[Cause, ...]
    exit_code: ExitCode
    costs: Mapping[Path, Cost]

    @property
    def drawn(self) -> tuple[ScanPlan, ...]:
        """Plans of all scans that have one, also of those that cannot start yet."""
        return (*self.plans.scans, *(scan.plan for scan in self.plans.unplanned if scan.plan))

    @property
    def participants(self) -> tuple[str, ...]:
        """Labels of everyone with a selected scan."""
        entities = [plan.scan.entities for plan in self.plans.scans]
        entities += [scan.entities for scan in self.plans.unplanned]
        return tuple(sorted({one["sub"] for one in entities}))


def dry_run(study: Study, settings: ScanSettings, resources: Resources, *, validate: bool) -> DryRun:
    """Collect; what stops the whole run is a cause without scans."""
    try:
        check_dataset(study.bids_dir)
        check_output(study.output_dir, study.bids_dir)
        plans = collect(study, settings, resources.mem_gb, validate=validate, read_images=False)
    except MorbidsError as error:
        whole = Cause(error.message, error.hint, (), error.exit_code)
        return DryRun(Plans((), ()), (whole,), error.exit_code, {})
    found = DryRun(plans, group_causes(plans.unplanned), plans.exit_code, {})
    return found._replace(costs={plan.scan.pet: estimate_cost(plan) for plan in found.drawn})


def tell_dry_run(found: DryRun, study: Study, resources: Resources) -> str:
    """Text for people: what is wrong and its remedy, then what would be done."""
    plans = found.plans
    n_all = len(plans.scans) + len(plans.unplanned)
    lines = [f"{study.bids_dir}: {len(plans.scans)} of {n_all} scans can start."]
    lines += _section("In the way", [_tell_cause(cause) for cause in found.causes])
    fetch = fetch_line(plans.unplanned, study.bids_dir)
    lines += _section("To fetch what is not here", [fetch] if fetch else [])
    able = [_tell_plan(plan, found.costs, "") for plan in plans.scans]
    unable = [_tell_unplanned(scan, found.costs) for scan in plans.unplanned]
    lines += _section("What would be done", able + unable)
    lines += _section("To know", [*plans.notes, *_tell_notes(found.drawn)])
    if plans.scans:
        minutes = total_minutes(plans.scans, found.costs, resources.n_procs)
        cost = f"about {max(minutes, 1):.0f} min on {resources.n_procs} processors"
        lines += ["", f"Expected: {cost}, from the sizes of the images; machines differ twofold."]
    return (
        "\n".join([*lines, "", f"Exit code {int(found.exit_code)}; nothing was computed or written."]) + "\n"
    )


def dry_run_as_json(found: DryRun, study: Study, resources: Resources) -> str:
    """The same for programs."""
    plans = found.plans
    scans = [_describe(plan, found.costs, can_start=True) for plan in plans.scans]
    for scan in plans.unplanned:
        known = _describe(scan.plan, found.costs, can_start=False) if scan.plan else _describe_unplanned(scan)
        scans.append(known | {"problems": [str(error) for error in scan.errors]})
    problems = [
        {"sentence": one.sentence, "remedy": one.remedy, "scans": one.scans, "exit_code": int(one.exit_code)}
        for one in found.causes
    ]
    content = {
        "dataset": str(study.bids_dir),
        "exit_code": int(found.exit_code),
        "problems": problems,
        "fetch": [str(path) for path in files_to_fetch(plans.unplanned)],
        "scans": sorted(scans, key=lambda scan: str(scan["scan"])),
        "notes": list(plans.notes),
        "expected_minutes": round(total_minutes(plans.scans, found.costs, resources.n_procs), 1),
    }
    return json.dumps(content, indent=2, default=str) + "\n"


def tell_causes(found: DryRun) -> str:
    """What stands in the way, a paragraph per cause."""
    return "\n".join(_tell_cause(cause) for cause in found.causes)


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {line}" for line in lines)] if lines else []


def _tell_cause(cause: Cause) -> str:
    scans = f" [{len(cause.scans)}: {listed(cause.scans, MOST_SHOWN)}]" if cause.scans else ""
    return f"{cause.sentence}{scans}\n    -> {cause.remedy}"


def _tell_plan(plan: ScanPlan, costs: Mapping[Path, Cost], state: str) -> str:
    cost, kinetics = costs[plan.scan.pet], plan.kinetics
    parts = [
        plan.scan.tracer or "no TracerName",
        kinetics.model,
        *_driven(kinetics),
        f"t* {_t_star(kinetics)}",
        f"windows {_windows(kinetics)}",
        plan.t1w.path.name,
        *([f"{len(plan.scan.parts)} runs joined"] if plan.scan.parts else []),
        *([f"taken: {', '.join(_taken(plan))}"] if _taken(plan) else []),
        f"{cost.memory_gb:.1f} GB",
        f"{cost.scan_min:.1f} min and {cost.t1w_min:.1f} for the T1w image",
    ]
    return f"{plan.scan.label}: {state}{'; '.join(parts)}"


def _tell_unplanned(scan: UnplannedScan, costs: Mapping[Path, Cost]) -> str:
    if scan.plan is not None:
        return _tell_plan(scan.plan, costs, "cannot start yet; ")
    tracer = f"; {scan.scan.tracer}" if scan.scan and scan.scan.tracer else ""
    return f"{scan.label}: cannot start{tracer}"


def _describe_unplanned(scan: UnplannedScan) -> dict[str, Any]:
    known = {} if scan.scan is None else {"tracer": scan.scan.tracer, "t1w": scan.scan.t1w}
    return {"scan": scan.label, "can_start": False, **known}


def _describe(plan: ScanPlan, costs: Mapping[Path, Cost], *, can_start: bool) -> dict[str, Any]:
    cost, kinetics = costs[plan.scan.pet], plan.kinetics
    return {
        "scan": plan.scan.label,
        "can_start": can_start,
        "tracer": plan.scan.tracer,
        "model": kinetics.model,
        "reference": kinetics.reference.name if kinetics.blood is None else None,
        "blood": describe_blood(kinetics) or None,
        "k2prime_per_min": kinetics.k2_prime_per_min,
        "k2prime_source": kinetics.k2_prime_source if kinetics.fits_k2_prime else "not used",
        "t_star_min": kinetics.t_star_min,
        "t_star_source": kinetics.t_star_source,
        "windows": [window._asdict() for window in kinetics.windows],
        "t1w": plan.t1w.path,
        "joined_runs": [scan_label(part.entities) for part in plan.scan.parts],
        "taken_from_derivatives": _taken(plan),
        "concern": plan.scan.timing.concern,
        "notes": plan.notes,
        "memory_gb": round(cost.memory_gb, 2),
        "minutes": round(cost.scan_min, 1),
        "minutes_of_t1w": round(cost.t1w_min, 1),
    }


def _k2_prime(kinetics: KineticPlan) -> str:
    if not kinetics.fits_k2_prime:
        return "not used"
    number = kinetics.k2_prime_per_min
    return kinetics.k2_prime_source if number is None else f"{number:g} /min ({kinetics.k2_prime_source})"


def _t_star(kinetics: KineticPlan) -> str:
    if not MODELS[kinetics.model].needs_t_star:
        return "not used"
    number = kinetics.t_star_min
    return "to be found" if number is None else f"{number:g} min ({kinetics.t_star_source})"


def _windows(kinetics: KineticPlan) -> str:
    return ", ".join(f"{w.name} {w.start_min:g}-{w.end_min:g}" for w in kinetics.windows)


def _driven(kinetics: KineticPlan) -> list[str]:
    """What drives the model: a reference region and its k2', or blood."""
    if kinetics.blood is None:
        return [f"reference {kinetics.reference.name}", f"k2' {_k2_prime(kinetics)}"]
    beside = [f"beside it {kinetics.second_model}"] if kinetics.second_model else []
    return [*beside, describe_blood(kinetics)]


def _taken(plan: ScanPlan) -> list[str]:
    """Programs whose results take the place of own steps."""
    taken = [one.dataset.program for one in (plan.t1w.taken, plan.taken) if one is not None]
    return list(dict.fromkeys(taken))


def _tell_notes(plans: Sequence[ScanPlan]) -> list[str]:
    """Notes and concerns of all scans, each kind once."""
    groups: dict[str, dict[str, str]] = {}
    for plan in plans:
        for note in (*plan.notes, *filter(None, [plan.scan.timing.concern])):
            groups.setdefault(generalise(note), {}).setdefault(plan.scan.label, note)
    return [
        f"{next(iter(told.values()))} [{len(told)}: {listed(list(told), MOST_SHOWN)}]"
        for told in groups.values()
    ]
