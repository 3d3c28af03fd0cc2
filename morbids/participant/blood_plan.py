"""Blood of a scan, decided on before anything runs: read and checked where its model is driven by plasma."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from morbids.bids.blood import check_dose, read_blood, read_blood_tables
from morbids.bids.radioactivity import kbq_ml_per_unit
from morbids.bids.scans import PetScan
from morbids.bids.sidecars import bids_uri
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.kinetics.input_function import InputRules
from morbids.numerics.kinetics.model_names import PLASMA_MODEL, ModelName
from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.plasma import Blood
from morbids.numerics.kinetics.presets import NoReference, TracerPreset, find_no_reference
from morbids.settings import ScanSettings

# The region whose curve tells the delay of the blood, where nobody says.
REGION_OF_DELAY = "whole_brain"


@dataclass(frozen=True)
class ScanBlood:
    """Blood as a plan holds it.

    Attributes
    ----------
    samples
        In the unit of the image.
    rules
        How they become an input function.
    notes
        For the report.
    facts
        For sidecars.
    """

    samples: Blood
    rules: InputRules
    notes: tuple[str, ...]
    facts: Mapping[str, Any]


def serves_plasma(scan: PetScan) -> NoReference | None:
    """The tracer, where it has no reference region but blood, and tissue lets it go: the Logan plot serves it."""
    lacking = find_no_reference(scan.tracer)
    return lacking if lacking is not None and scan.blood and not lacking.trapped else None


def default_model(preset: TracerPreset | None, scan: PetScan) -> ModelName | None:
    """What a scan is modelled with where nobody says; None where nobody knows."""
    if preset is not None:
        return preset.model
    return PLASMA_MODEL if serves_plasma(scan) else None


def default_region(preset: TracerPreset | None, model: str | None) -> str | None:
    """The reference region where nobody says, or that of the delay; None where nobody knows."""
    if any(name == model and known.needs_plasma for name, known in MODELS.items()):
        return REGION_OF_DELAY
    return preset.reference if preset is not None else None


def plan_blood(settings: ScanSettings, model: ModelName, scan: PetScan) -> ScanBlood | None:
    """Read the blood that a model is driven by; None for a model with a reference region.

    Raises
    ------
    MorbidsError
        There is none, it cannot be what it says, or options do not go with the model.
    """
    known = MODELS[model]
    wishes = (settings.parent_fraction, settings.blood_delay_s, settings.blood_volume)
    if not known.needs_plasma:
        if wishes != (ScanSettings.parent_fraction, ScanSettings.blood_delay_s, ScanSettings.blood_volume):
            raise MorbidsError(
                f"{scan.pet}: {model} is driven by a reference region: it has no --blood-delay, --blood-volume or "
                "--parent-fraction.",
                f"Take one of {', '.join(name for name, other in MODELS.items() if other.needs_plasma)}, or leave the "
                "options out.",
                ExitCode.USAGE,
            )
        return None
    if settings.k2_prime_per_min is not None:
        raise MorbidsError(
            f"{scan.pet}: {model} takes no k2', so it has no --k2prime.",
            "Leave the option out.",
            ExitCode.USAGE,
        )
    if settings.blood_volume == "fit" and not known.fits_blood_volume:
        raise MorbidsError(
            f"{scan.pet}: --blood-volume fit is for compartments; {model} cannot tell the share of blood.",
            "Give a share such as 0.05, or take 1TCM or 2TCM.",
            ExitCode.USAGE,
        )
    if settings.partial_volume != "none":
        # The region of the delay is all of the brain, which overlaps every region that would be corrected.
        raise MorbidsError(
            f"{scan.pet}: --pvc is for models with a reference region, and {model} is driven by plasma.",
            "Leave the option out.",
            ExitCode.USAGE,
        )
    if not scan.blood:
        raise MorbidsError(
            f"{scan.pet}: {model} is driven by plasma, and the scan has no samples of blood.",
            f"Add {scan.label}_recording-manual_blood.tsv with its .json, or take a model with a reference region.",
        )
    factor, _ = kbq_ml_per_unit(scan.metadata)
    if factor is None:
        raise MorbidsError(
            f"{scan.pet}: {model} compares the image with blood, and Units is no known unit of radioactivity.",
            "Write Units as Bq/mL or kBq/mL into the sidecar of the image.",
        )
    lacking = find_no_reference(scan.tracer)
    read = read_blood(
        read_blood_tables(scan.blood, scan.dataset),
        injection_s=scan.timing.injection_s,
        half_life_min=scan.timing.half_life_min,
        parent_is_all=settings.parent_fraction == "none" or (lacking is not None and lacking.unmetabolised),
    )
    check_dose(read.blood, scan.metadata, scan.blood[0])
    rules = InputRules(
        parent=settings.parent_fraction,
        delay_s=settings.blood_delay_s if isinstance(settings.blood_delay_s, float) else None,
        blood_volume=settings.blood_volume if isinstance(settings.blood_volume, float) else None,
    )
    facts = {"Blood": [bids_uri(path, scan.dataset, "raw") for path in read.sources], **read.facts}
    return ScanBlood(read.blood.scaled(1 / factor), rules, read.notes, facts)
