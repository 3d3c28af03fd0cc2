"""The quality of a scan in numbers: what its steps measured, beside what is expected of it.

Everything is read from what the steps left on disk, also after a crash. Where a step doubts its result, its
sentence stands beside the first of its numbers as `concern`; the group level leaves such scans out.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.fields import as_number
from morbids.bids.names import output_path
from morbids.bids.radioactivity import nuclide_name
from morbids.bids.sidecars import write_described
from morbids.bids.tables import read_table
from morbids.bids.timing import MOST_GAPS
from morbids.bids.windows import window_entities
from morbids.errors import MorbidsError
from morbids.imaging.atlases import SPHERES
from morbids.imaging.concerns import too_high
from morbids.imaging.coregistration import LEAST_AGREEMENT, LEAST_CONTRAST, LEAST_OVERLAP
from morbids.imaging.images import read_image
from morbids.imaging.motion_windows import MOST_BETWEEN_MM, MOST_WITHIN_MM
from morbids.imaging.normalization import LEAST_CORRELATION
from morbids.imaging.reference import CONCERN_VARIATION, CONCERN_VOLUME_ML
from morbids.imaging.regions import USABLE_COVERAGE
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.input_function import TOLD_MISFIT
from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.presets import nuclide_concern
from morbids.numerics.kinetics.shared_efflux import DISAGREEMENT_SE
from morbids.numerics.reference_curve import LEAST_RATIO
from morbids.participant.facts import (
    BloodFacts,
    BrainFacts,
    Facts,
    K2PrimeFacts,
    MapFacts,
    MotionFacts,
    NormalizationFacts,
    ReferenceFacts,
    ReferenceNoiseFacts,
    ReferenceVerdictFacts,
    RegistrationFacts,
    TissueFacts,
    read_facts,
)
from morbids.participant.plan import ScanPlan, T1w
from morbids.reports.findings import Verdict
from morbids.reports.numbers import format_quantity
from morbids.settings import ScanSettings, Study

MOST_FAILED = 0.2
"""Of the brain's voxels in all windows: models fit nearly all of them unless the curves are wrong."""
COLUMNS: Mapping[str, tuple[str, str]] = {
    "step": ("Step that measured it", ""),
    "measure": ("What was measured", ""),
    "value": ("Its value; n/a where it is not known", "as in the column units"),
    "units": ("Unit of value, least and most; n/a for none", ""),
    "least": ("Least value that is expected; n/a where any is", "as in the column units"),
    "most": ("Largest value that is expected; n/a where any is", "as in the column units"),
    "concern": ("Why the step's result is doubtful; n/a where it is not", ""),
}


class Measure(NamedTuple):
    """One number; fields as the columns of the table."""

    step: str
    name: str
    value: float | None
    units: str = ""
    least: float | None = None
    most: float | None = None
    concern: str = ""


def measure_anatomy(t1w: T1w, study: Study, spaces: Sequence[str]) -> Iterator[Measure]:
    """Brain, tissue, and the way to each template."""
    yield from _telling("brain mask", _measure_brain(t1w, study))
    yield from _telling("tissue", _measure_tissue(t1w, study))
    for space in spaces:
        step = f"T1w to {space}"
        yield from _telling(step, _measure_normalization(t1w, study, space, step))


def measure_scan(plan: ScanPlan, study: Study, settings: ScanSettings) -> tuple[Measure, ...]:
    """Every number of a scan, those of its T1w image first."""
    return (
        *measure_anatomy(plan.t1w, study, plan.spaces),
        *_measure_tracer(plan),
        *_measure_counts(plan),
        *_measure_time_axis(plan),
        *_telling("head motion", _measure_motion(plan, study)),
        *_telling("PET to T1w", _measure_registration(plan, study)),
        *(
            _telling("blood", _measure_blood(plan, study, settings))
            if plan.kinetics.blood is not None
            else (
                *_telling("reference region", _measure_reference(plan, study)),
                *_telling("reference curve", _measure_reference_curve(plan, study)),
            )
        ),
        *_telling("k2'", _measure_k2_prime(plan, study, settings)),
        *_telling("field of view", _measure_coverage(plan, study)),
        *_telling("voxelwise fits", _measure_fits(plan, study, settings)),
    )


def _telling(step: str, measures: Iterator[Measure]) -> Iterator[Measure]:
    """Tell of what cannot be read, as of a sidecar by another version, where its number would stand."""
    try:
        yield from measures
    except MorbidsError as error:
        yield Measure(step, "result", None, concern=str(error))


def _measure_brain(t1w: T1w, study: Study) -> Iterator[Measure]:
    mask = output_path(study.output_dir, t1w.entities, "brain_mask")
    if mask.exists():
        facts = read_facts(BrainFacts, study, t1w.entities, "brain_mask") or BrainFacts()
        yield Measure("brain mask", "volume", _volume_ml(mask)[1:].sum(), "mL", concern=_said(facts.concern))


def _measure_tissue(t1w: T1w, study: Study) -> Iterator[Measure]:
    tissue = output_path(study.output_dir, t1w.entities, "dseg")
    if tissue.exists():
        volume_ml = np.resize(np.append(_volume_ml(tissue), np.zeros(4)), 4)
        grey, white, fluid = volume_ml[1:].tolist()
        facts = read_facts(TissueFacts, study, t1w.entities, "dseg") or TissueFacts()
        yield Measure("tissue", "grey matter", grey, "mL", concern=_said(facts.concern))
        yield Measure("tissue", "white matter", white, "mL")
        yield Measure("tissue", "fluid", fluid, "mL")


def _measure_normalization(t1w: T1w, study: Study, space: str, step: str) -> Iterator[Measure]:
    facts = read_facts(NormalizationFacts, study, t1w.entities, "t1w_to_template", {"to": space})
    if facts is not None:
        name, least = "correlation with template", LEAST_CORRELATION
        yield Measure(step, name, facts.correlation, least=least, concern=_said(facts.concern))


def judge(measures: Sequence[Measure]) -> tuple[Verdict, ...]:
    """One verdict per step: its numbers in words, flagged with its concerns."""
    verdicts = []
    for step, group in groupby(measures, key=lambda measure: measure.step):
        members = list(group)
        finding = ", ".join(_in_words(measure) for measure in members)
        concern = " ".join(measure.concern for measure in members if measure.concern)
        verdicts.append(Verdict(step, "flag" if concern else "pass", finding, concern))
    return tuple(verdicts)


def measure_failures(failures: Sequence[str]) -> Iterator[Measure]:
    """Tell that the last run of a scan failed, where it did: its maps may be those of an earlier run."""
    if failures:
        concern = f"The last run failed ({'; '.join(failures)}): maps may be those of an earlier run."
        yield Measure("run", "steps that failed", float(len(failures)), most=0.0, concern=concern)


def write_quality(entities: Mapping[str, str], measures: Sequence[Measure], study: Study) -> Path:
    """Write the table of a scan with its sidecar."""
    table = pd.DataFrame(measures, columns=list(COLUMNS)).replace("", None)
    path = output_path(study.output_dir, entities, "quality")
    write_described(table, path, "Quality of the scan, step by step", COLUMNS)
    return path


def _measure_tracer(plan: ScanPlan) -> Iterator[Measure]:
    nuclide = nuclide_name(plan.scan.metadata.get("TracerRadionuclide"))
    concern = nuclide_concern(plan.scan.tracer, nuclide)
    yield Measure("tracer", "half-life", plan.kinetics.half_life_min, "min", concern=concern)


def _measure_counts(plan: ScanPlan) -> Iterator[Measure]:
    injected = as_number(plan.scan.metadata.get("InjectedRadioactivity"))
    if injected is not None:
        units = str(plan.scan.metadata.get("InjectedRadioactivityUnits", ""))
        yield Measure("injection", "radioactivity", injected, units)


def _measure_time_axis(plan: ScanPlan) -> Iterator[Measure]:
    """Time without data, which a stretched time axis has too; a whole one is not told of."""
    timing = plan.scan.timing
    if timing.gap_share > 0:
        share, concern = timing.gap_share, timing.concern
        yield Measure("time axis", "share without data", share, most=MOST_GAPS, concern=concern)


def _measure_motion(plan: ScanPlan, study: Study) -> Iterator[Measure]:
    path = output_path(study.output_dir, plan.scan.entities, "confounds")
    if not path.exists():
        return
    table = read_table(path, ("framewise_displacement", "motion_outlier", "motion_borrowed"))
    displacement = table["framewise_displacement"].to_numpy(dtype=float)
    facts = read_facts(MotionFacts, study, plan.scan.entities, "petref") or MotionFacts()
    yield Measure(
        "head motion",
        "largest framewise displacement",
        _or_none(np.nanmax, displacement),
        "mm",
        concern=_said(facts.concern),
    )
    yield Measure("head motion", "mean framewise displacement", _or_none(np.nanmean, displacement), "mm")
    for distance_mm, where, most in (
        (facts.within_mm, "within a window", MOST_WITHIN_MM),
        (facts.between_mm, "between windows", MOST_BETWEEN_MM),
    ):
        if distance_mm is not None:
            yield Measure("head motion", f"largest displacement {where}", distance_mm, "mm", most=most)
    for column, name in (
        ("motion_outlier", "outlying frames"),
        ("motion_borrowed", "frames with a borrowed estimate"),
    ):
        yield Measure("head motion", name, float((table[column] > 0).sum()))


def _measure_registration(plan: ScanPlan, study: Study) -> Iterator[Measure]:
    facts, step = read_facts(RegistrationFacts, study, plan.scan.entities, "pet_to_t1w"), "PET to T1w"
    if facts is not None:
        name, concern = "normalised mutual information", _said(facts.concern)
        yield Measure(step, name, facts.score, concern=concern)
        yield Measure(step, "overlap", facts.overlap, least=LEAST_OVERLAP)
        yield Measure(step, "contrast", facts.contrast, least=LEAST_CONTRAST)
        yield Measure(step, "agreement", facts.agreement, least=LEAST_AGREEMENT)


def _measure_reference(plan: ScanPlan, study: Study) -> Iterator[Measure]:
    label, step = {"label": plan.kinetics.reference.name}, "reference region"
    region = read_facts(ReferenceFacts, study, plan.scan.entities, "reference_mask", label)
    if region is not None:
        concern = _said(region.concern)
        yield Measure(step, "volume", region.volume_ml, "mL", CONCERN_VOLUME_ML, concern=concern)
        yield Measure(step, "variation of voxels", region.variation, most=CONCERN_VARIATION)


def _measure_reference_curve(plan: ScanPlan, study: Study) -> Iterator[Measure]:
    label, step = {"label": plan.kinetics.reference.name}, "reference curve"
    verdict = read_facts(ReferenceVerdictFacts, study, plan.scan.entities, "reference_curve", label)
    noise = read_facts(ReferenceNoiseFacts, study, plan.scan.entities, "reference_curve", label)
    if verdict is not None and noise is not None:
        ratio, concern = verdict.lowest_ratio, _said(verdict.concern)
        yield Measure(step, "lowest late ratio of a region", ratio, least=LEAST_RATIO, concern=concern)
        yield Measure(step, "drift of that region", verdict.lowest_drift)
        yield Measure(step, "noise of voxels in late frames", noise.noise)


def _measure_blood(plan: ScanPlan, study: Study, settings: ScanSettings) -> Iterator[Measure]:
    """Samples of plasma, the delay with its standard error, and how far the parent fraction is from its samples."""
    facts, step = read_fit_facts(BloodFacts, plan, study, settings), "blood"
    if plan.kinetics.blood is None or facts is None:
        return
    yield Measure(step, "samples of plasma", float(len(plan.kinetics.blood.plasma.value)))
    yield Measure(step, "delay", facts.delay_s, "s")
    if facts.delay_se is not None:
        yield Measure(step, "standard error of the delay", facts.delay_se, "s")
    yield Measure(
        step, "distance of the parent fraction from its samples", facts.parent_misfit, most=TOLD_MISFIT
    )


def _measure_k2_prime(plan: ScanPlan, study: Study, settings: ScanSettings) -> Iterator[Measure]:
    """An estimated k2', with its standard error and how far it is from what papers say."""
    if not plan.kinetics.fits_k2_prime:
        return
    facts = read_fit_facts(K2PrimeFacts, plan, study, settings)
    if facts is None or facts.k2_prime_of_scan is None:
        return
    step, units = "k2'", "1/min"
    yield Measure(step, "used", facts.k2_prime_per_min, units)
    yield Measure(step, "standard error", facts.k2_prime_se, units)
    yield Measure(step, "estimate of this scan", facts.k2_prime_of_scan, units)
    if facts.k2_prime_distance is not None:
        # No concern, which would leave the scan out of the group: mixed tissue alone can make two standard errors.
        distance = facts.k2_prime_distance
        yield Measure(step, "distance from papers", distance, "standard errors", most=DISAGREEMENT_SE)


def read_fit_facts(kind: type[Facts], plan: ScanPlan, study: Study, settings: ScanSettings) -> Facts | None:
    """Read what the sidecar of the first window's fits in the a-priori regions holds."""
    corrected = {} if settings.partial_volume == "none" else {"pvc": settings.partial_volume.upper()}
    named = {"seg": SPHERES, "model": plan.kinetics.model, **corrected}
    entities = {**named, **window_entities(plan.kinetics.windows[0])}
    return read_facts(kind, study, plan.scan.entities, "kinpar", entities)


def _measure_coverage(plan: ScanPlan, study: Study) -> Iterator[Measure]:
    """How much of the first atlas the field of view holds."""
    atlas = {"seg": plan.atlases[0].label}
    path = output_path(study.output_dir, plan.scan.entities, "pet_dseg_table", atlas)
    if not path.exists():
        return
    coverage = read_table(path, ("coverage",))["coverage"].fillna(0).to_numpy(dtype=float)
    yield Measure("field of view", "lowest share of a region inside", float(coverage.min()))
    yield Measure("field of view", "regions without a curve", float((coverage < USABLE_COVERAGE).sum()))


def _measure_fits(plan: ScanPlan, study: Study, settings: ScanSettings) -> Iterator[Measure]:
    kinetics = plan.kinetics
    parameter = MODELS[kinetics.model].parameters[0]
    named = {"model": kinetics.model, "meas": parameter, **window_entities(kinetics.windows[0])}
    named |= {"pvc": "RBV"} if settings.partial_volume == "rbv" else {}
    facts = read_facts(MapFacts, study, plan.scan.entities, "parametric_map", named)
    if facts is not None:
        failed, concern = facts.failed_share, ""
        if failed > MOST_FAILED:
            told = too_high(failed, MOST_FAILED, "%")
            concern = f"{kinetics.model} failed in {told} of the voxels."
        yield Measure("voxelwise fits", "share that failed", failed, most=MOST_FAILED, concern=concern)


def _volume_ml(labels: Path) -> FloatArray:
    """Volume of every label from 0 on."""
    image = read_image(labels)
    volume_ml: FloatArray = np.bincount(image.values.astype(np.int32).ravel()) * image.voxel_ml
    return volume_ml


def _said(concerns: Sequence[str]) -> str:
    return " ".join(concerns)


def _or_none(summary: Any, values: Any) -> float | None:
    return float(summary(values)) if np.isfinite(values).any() else None


def _in_words(measure: Measure) -> str:
    return f"{measure.name} {format_quantity(measure.value, measure.units)}"
