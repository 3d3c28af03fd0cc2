"""What steps measure of themselves: one type per step, for the saver that writes a sidecar and for who reads it.

A field is named as the step's output; its annotation holds the key in the sidecar. A field with a default may be
absent. Several types can be read from one sidecar.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_type_hints

from morbids.bids.inheritance import read_json_object
from morbids.bids.names import output_path, sidecar_path
from morbids.errors import MorbidsError
from morbids.settings import Study

# Each doubt of a step is a sentence; a sidecar may hold one, or a list of them.
Concerns = Annotated[tuple[str, ...], "Concern"]
Notes = Annotated[tuple[str, ...], "Notes"]


class BrainFacts(NamedTuple):
    """Of a brain mask, and whether the T1w image came without a skull."""

    notes: Notes = ()
    concern: Concerns = ()
    stripped: Annotated[bool, "SkullStripped"] = False


class TissueFacts(NamedTuple):
    """Of a segmentation."""

    concern: Concerns = ()


class NormalizationFacts(NamedTuple):
    """Of the way from a T1w image to a template: correlation of the two images in the brain."""

    correlation: Annotated[float, "Correlation"]
    concern: Concerns = ()


class TemplateFacts(NamedTuple):
    """Where a template came from."""

    source: Annotated[str, "TemplateSource"] = "source not recorded"


class MotionFacts(NamedTuple):
    """Of the correction for head motion, and how far the head lies apart within and between windows."""

    notes: Notes = ()
    concern: Concerns = ()
    within_mm: Annotated[float | None, "LargestDisplacementWithinWindow"] = None
    between_mm: Annotated[float | None, "LargestDisplacementBetweenWindows"] = None


class RegistrationFacts(NamedTuple):
    """Of the way from PET to T1w, as `imaging.coregistration` measures it."""

    score: Annotated[float, "NormalizedMutualInformation"]
    overlap: Annotated[float, "Overlap"]
    contrast: Annotated[float, "Contrast"]
    agreement: Annotated[float, "Agreement"]
    reference: Annotated[str, "ReferenceFrames"] = ""
    concern: Concerns = ()


class ReferenceFacts(NamedTuple):
    """Of a reference region: mL, and the coefficient of variation of its voxels."""

    volume_ml: Annotated[float, "VolumeML"]
    variation: Annotated[float | None, "CoefficientOfVariation"]
    concern: Concerns = ()
    notes: Notes = ()


class ReferenceNoiseFacts(NamedTuple):
    """Of a reference curve alone: how much its voxels differ late in the scan."""

    noise: Annotated[float | None, "LateNoise"]


class ReferenceMixtureFacts(NamedTuple):
    """Of a reference curve whose white matter and fluid are known: its noise, and their parts in it."""

    noise: Annotated[float | None, "LateNoise"]
    white_share: Annotated[float | None, "WhiteMatterShare"] = None
    fluid_share: Annotated[float | None, "FluidShare"] = None


class ReferenceVerdictFacts(NamedTuple):
    """Of a reference curve beside those of regions."""

    lowest_ratio: Annotated[float | None, "LowestLateRatio"]
    lowest_drift: Annotated[float | None, "LowestDrift"]
    concern: Concerns = ()


class StepNotes(NamedTuple):
    """What a step has to tell that is no doubt: of a brain mask, of motion, of a region, of an atlas in PET space."""

    notes: Notes = ()


class SettledFacts(NamedTuple):
    """First minute of linear plots, where it was found in the curves."""

    t_star_min: Annotated[float | None, "tstar"] = None


class K2PrimeFacts(NamedTuple):
    """k2' of models that take it; where it is estimated, its standard error, the scan's own with its, their distance.

    The distance is that of the scan's estimate from what papers say, in standard errors.
    """

    k2_prime_per_min: Annotated[float, "k2prime"]
    k2_prime_se: Annotated[float | None, "k2primeStandardError"] = None
    k2_prime_of_scan: Annotated[float | None, "k2primeOfScan"] = None
    k2_prime_of_scan_se: Annotated[float | None, "k2primeOfScanStandardError"] = None
    k2_prime_distance: Annotated[float | None, "k2primeDistance"] = None


class MixtureFacts(NamedTuple):
    """Of fits whose white matter and fluid are taken apart where their curves can be told: what was."""

    fitted_apart: Annotated[str, "MixedTissue"]


class BloodFacts(NamedTuple):
    """Of blood that drives a model: its delay with standard error (seconds), and how its parent fraction was made."""

    delay_s: Annotated[float | None, "BloodDelay"] = None
    delay_se: Annotated[float | None, "BloodDelayStandardError"] = None
    delay_source: Annotated[str, "BloodDelaySource"] = ""
    parent_rule: Annotated[str, "ParentFraction"] = ""
    parent_misfit: Annotated[float | None, "ParentFractionMisfit"] = None
    notes: Notes = ()


class MapFacts(NamedTuple):
    """Of voxelwise fits: share of the brain's voxels without a value."""

    failed_share: Annotated[float, "FailedVoxelShare"]


class CorrectionFacts(NamedTuple):
    """Of the geometric transfer matrix."""

    condition: Annotated[float, "ConditionNumber"]


Facts = TypeVar("Facts", bound=NamedTuple)


def keys_of(*kinds: type[NamedTuple]) -> dict[str, str]:
    """Keys in the sidecar by name of the field: what a saver is told."""
    return {
        name: hint.__metadata__[0]
        for kind in kinds
        for name, hint in get_type_hints(kind, include_extras=True).items()
    }


def read_facts(
    kind: type[Facts],
    study: Study,
    source: Mapping[str, str],
    role: str,
    entities: Mapping[str, str] | None = None,
) -> Facts | None:
    """Read what a step left in the sidecar of an output; None when the output is not there.

    Raises
    ------
    MorbidsError
        The sidecar cannot be read, lacks a field, or holds something else in it: another version wrote it.
    """
    path = sidecar_path(output_path(study.output_dir, source, role, entities))
    return parse_facts(kind, read_json_object(path), path) if path.exists() else None


def parse_facts(kind: type[Facts], sidecar: Mapping[str, Any], path: Path) -> Facts:
    """Read the facts of one type from a sidecar; errors as for `read_facts`."""
    values = {}
    types = get_type_hints(kind)
    for name, key in keys_of(kind).items():
        if key in sidecar:
            values[name] = _parse(sidecar[key], types[name], f"The field {key!r} of {path}")
        elif name not in kind._field_defaults:
            raise MorbidsError(f"{path} has no field {key!r}.", REMEDY)
    build: Callable[..., Facts] = kind
    return build(**values)


REMEDY = "Another version of the program wrote it: remove the file and run the participant level again."


def _parse(value: Any, hint: Any, what: str) -> Any:
    """Check a value against its type; one sentence is a tuple of one, and an empty one of none."""
    if hint == tuple[str, ...]:
        sentences = (value,) if isinstance(value, str) else value
        if isinstance(sentences, (list, tuple)):
            return tuple(str(sentence) for sentence in sentences if sentence)
    elif hint in (str, bool):
        if isinstance(value, hint):
            return value
    elif (value is None and type(None) in get_args(hint)) or type(value) in (int, float):
        return value
    raise MorbidsError(f"{what} is {value!r}.", REMEDY)
