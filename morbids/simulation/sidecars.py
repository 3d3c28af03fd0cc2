"""What stands in the JSON and TSV files of a simulated study."""

import math
from typing import Any

import numpy as np

from morbids.simulation.cohort import ER89, STATE_RATINGS, Participant, Rating
from morbids.simulation.effects import Task
from morbids.simulation.scan import Injection
from morbids.simulation.settings import BASELINE_MIN, CHALLENGE_MIN, StudySettings

BIDS_VERSION = "1.10.0"
TASK_DESCRIPTIONS = {
    "rejection": "After a quiet baseline, the participant reads that people they liked do not like them back.",
    "acceptance": "After a quiet baseline, the participant reads that people they liked like them back.",
}
SCANNER_FWHM_MM = 4.3
"""Of the HR+ (morbids/data/scanners.json)."""
_MOLECULAR_WEIGHT = 394.5


def pet_metadata(
    task: Task, injection: Injection, weight_kg: float, settings: StudySettings
) -> dict[str, Any]:
    """Sidecar of a PET image: every field that PET-BIDS requires, and what is known beyond."""
    frames, schedule = settings.frames, settings.schedule
    return {
        "TaskName": task,
        "TaskDescription": TASK_DESCRIPTIONS[task],
        "Manufacturer": "Siemens",
        "ManufacturersModelName": "HR+",
        "InstitutionName": "morbids simulation",
        "BodyPart": "BRAIN",
        "Units": "Bq/mL",
        **_injection_fields(injection, weight_kg),
        **_infusion_fields(injection, schedule.bolus_fraction, schedule.infusion_min),
        "TimeZero": injection.time_zero,
        "ScanStart": 0,
        "InjectionStart": 0,
        "InjectionEnd": round(schedule.infusion_min * 60, 3),
        "FrameTimesStart": np.round(frames.start_min * 60, 3).tolist(),
        "FrameDuration": np.round(frames.duration_min * 60, 3).tolist(),
        "AcquisitionMode": "list mode",
        "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": 0,
        "ReconMethodName": "simulated reconstruction",
        "ReconMethodParameterLabels": ["none"],
        **_filter_fields(settings.psf_fwhm_mm),
        "AttenuationCorrection": "simulated without attenuation",
    }


def _filter_fields(psf_fwhm_mm: float) -> dict[str, Any]:
    """The filter that makes the scanner's own resolution that of the images."""
    if psf_fwhm_mm <= SCANNER_FWHM_MM:
        return {"ReconFilterType": "none", "ReconFilterSize": 0}
    width_mm = math.sqrt(psf_fwhm_mm**2 - SCANNER_FWHM_MM**2)
    return {"ReconFilterType": "Gaussian", "ReconFilterSize": round(width_mm, 3)}


def _injection_fields(injection: Injection, weight_kg: float) -> dict[str, Any]:
    bq_per_gram = injection.radioactivity_mbq * 1e6 / (injection.mass_ug * 1e-6)
    return {
        "TracerName": "carfentanil",
        "TracerRadionuclide": "C11",
        "TracerMolecularWeight": _MOLECULAR_WEIGHT,
        "TracerMolecularWeightUnits": "g/mol",
        "InjectedRadioactivity": injection.radioactivity_mbq,
        "InjectedRadioactivityUnits": "MBq",
        "InjectedMass": injection.mass_ug,
        "InjectedMassUnits": "ug",
        "InjectedMassPerWeight": round(injection.mass_ug / weight_kg, 4),
        "InjectedMassPerWeightUnits": "ug/kg",
        "SpecificRadioactivity": float(f"{bq_per_gram:.4g}"),
        "SpecificRadioactivityUnits": "Bq/g",
        "MolarActivity": float(f"{bq_per_gram * _MOLECULAR_WEIGHT / 1e9 * 1e-6:.4g}"),
        "MolarActivityUnits": "GBq/umol",
    }


def _infusion_fields(injection: Injection, bolus_fraction: float, infusion_min: float) -> dict[str, Any]:
    if bolus_fraction >= 1:
        return {"ModeOfAdministration": "bolus"}
    infused = 1 - bolus_fraction
    return {
        "ModeOfAdministration": "bolus-infusion",
        "InfusionRadioactivity": round(infused * injection.radioactivity_mbq, 2),
        "InfusionStart": 0,
        "InfusionSpeed": round(infused * injection.volume_ml / (infusion_min / 60), 3),
        "InfusionSpeedUnits": "mL/h",
        "InjectedVolume": injection.volume_ml,
    }


def t1w_metadata() -> dict[str, Any]:
    """Sidecar of every T1w image."""
    return {
        "Manufacturer": "simulated",
        "ManufacturersModelName": "ICBM 2009c head with random shape",
        "MagneticFieldStrength": 3,
        "BodyPart": "BRAIN",
        "NonlinearGradientCorrection": True,
    }


def real_t1w_metadata() -> dict[str, Any]:
    """Sidecar of T1w images of people, of whom nothing else is known here."""
    return {"BodyPart": "BRAIN"}


def event_rows(task: Task) -> list[dict[str, str]]:
    """Blocks of a scan; onsets count from the first stored frame, here the injection."""
    blocks = ((BASELINE_MIN, "baseline"), (CHALLENGE_MIN, task))
    return [
        {"onset": f"{start * 60:g}", "duration": f"{(end - start) * 60:g}", "trial_type": name}
        for (start, end), name in blocks
    ]


def events_metadata(task: Task) -> dict[str, Any]:
    """Sidecar of events.tsv."""
    return {
        "onset": {"Description": "Start of the block, from the first stored frame.", "Units": "s"},
        "duration": {"Description": "Length of the block.", "Units": "s"},
        "trial_type": {
            "LongName": "Block",
            "Description": "What the participant did.",
            "Levels": {"baseline": "Quiet rest before the task.", task: TASK_DESCRIPTIONS[task]},
        },
    }


def participant_rows(people: tuple[Participant, ...], tasks: tuple[Task, ...]) -> list[dict[str, str]]:
    """Rows of participants.tsv; with one task there is no order of scans."""
    return [
        {
            "participant_id": f"sub-{person.label}",
            "age": str(person.age),
            "sex": person.sex,
            "weight": f"{person.weight_kg:g}",
        }
        | ({"first_scan": person.first_task} if len(tasks) > 1 else {})
        for person in people
    ]


def participants_metadata(tasks: tuple[Task, ...]) -> dict[str, Any]:
    """Sidecar of participants.tsv."""
    first = {
        "Description": "Which task came first.",
        "Levels": dict.fromkeys(tasks, "This task was done in the first scan."),
    }
    return {
        "age": {"Description": "Age at the first scan.", "Units": "year"},
        "sex": {"Description": "Sex.", "Levels": {"F": "female", "M": "male"}},
        "weight": {"Description": "Body weight.", "Units": "kg"},
    } | ({"first_scan": first} if len(tasks) > 1 else {})


def resiliency_rows(people: tuple[Participant, ...]) -> list[dict[str, str]]:
    """Rows of phenotype/er89.tsv."""
    return _score_rows(people, (ER89.column,))


def resiliency_metadata() -> dict[str, Any]:
    """Sidecar of phenotype/er89.tsv."""
    return {
        "MeasurementToolMetadata": {"Description": "Ego resiliency scale, 14 items of 1 to 4 points."},
        ER89.column: {"LongName": "Ego resiliency", "Description": "Total score, 14 to 56; simulated."},
    }


def state_rating_rows(people: tuple[Participant, ...], tasks: tuple[Task, ...]) -> list[dict[str, str]]:
    """Rows of phenotype/state_ratings.tsv: a column per task and state."""
    return _score_rows(people, tuple(rating.column for rating in _ratings_of(tasks)))


def _ratings_of(tasks: tuple[Task, ...]) -> tuple[Rating, ...]:
    return tuple(rating for rating in STATE_RATINGS if rating.column.startswith(tasks))


def state_rating_metadata(tasks: tuple[Task, ...]) -> dict[str, Any]:
    """Sidecar of phenotype/state_ratings.tsv."""
    meaning = {
        "negative_affect": "Negative affect at the end of the block",
        "positive_affect": "Positive affect at the end of the block",
        "social_desire": "Desire for social interaction at the end of the block",
    }
    columns: dict[str, Any] = {
        "MeasurementToolMetadata": {"Description": "Visual analogue scales, 0 to 100; simulated."}
    }
    for rating in _ratings_of(tasks):
        task, _, state = rating.column.partition("_")
        columns[rating.column] = {
            "LongName": f"{meaning[state]} ({task})",
            "Description": f"{meaning[state]} of the {task} scan, 0 (none) to 100 (most).",
        }
    return columns


def dataset_description(settings: StudySettings) -> dict[str, Any]:
    """dataset_description.json of the raw dataset."""
    kind = "null study: no effects" if settings.null else "with known effects"
    return {
        "Name": f"Simulated [11C]carfentanil PET of social {' and '.join(settings.tasks)} ({kind})",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "License": "CC0",
        "Authors": ["morbids simulation"],
        "GeneratedBy": [{"Name": "morbids.simulation"}],
    }


def readme(settings: StudySettings, command: str, *, real: bool = False) -> str:
    """README of the raw dataset; `real` where T1w images are people's own."""
    origin = "T1w images are of people, whose PET nobody has scanned." if real else "Nobody was scanned."
    return (
        "# Simulated carfentanil study\n\n"
        f"{origin} {settings.participants} simulated participants, a [11C]carfentanil scan each for "
        f"{' and '.join(settings.tasks)}: a block of that after a baseline block. 50 % of the tracer "
        "comes as a bolus, 50 % as an infusion over 90 minutes; 21 frames.\n\n"
        f"Effects of the tasks: {'none (null study)' if settings.null else 'see derivatives/truth/effects.json'}.\n"
        "The truth (BP_ND, transforms, motion, reference curve) is in derivatives/truth.\n\n"
        f"Made by: {command}\n\n"
        f"{'Template' if real else 'Anatomy'}: ICBM 2009c nonlinear asymmetric template (copyright McConnell Brain "
        "Imaging Centre, Montreal Neurological Institute, McGill University; free to use, copy, modify and "
        "distribute).\n"
    )


def _score_rows(people: tuple[Participant, ...], columns: tuple[str, ...]) -> list[dict[str, str]]:
    return [
        {"participant_id": f"sub-{person.label}"} | {column: str(person.scores[column]) for column in columns}
        for person in people
    ]
