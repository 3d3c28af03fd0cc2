"""What the JSON beside each output says.

Builders return plain dictionaries that hold what is known before a run; what only the run reveals (an
estimated k2', where the template came from) is added by the saver. Field names are those of BIDS and, for
kinetic models, of BEP023.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import pandas as pd

from morbids.bids.names import sidecar_path
from morbids.bids.scanners import PointSpread
from morbids.bids.scans import PetScan
from morbids.bids.tables import write_table
from morbids.bids.windows import WHOLE_SCAN, Window, WindowPair
from morbids.bids.writing import write_json

# Spaces that BIDS knows by name; any other needs SpatialReference.
STANDARD_SPACES = (
    *("MNI152Lin", "MNI152NLin6Sym", "MNI152NLin6Asym", "MNI152NLin2009aSym", "MNI152NLin2009bSym"),
    *("MNI152NLin2009cSym", "MNI152NLin2009aAsym", "MNI152NLin2009bAsym", "MNI152NLin2009cAsym", "MNI305"),
)
# Raw fields that describe stored numbers or the scanner's grid: untrue after resampling and rescaling.
_UNTRUE_AFTER_PROCESSING = (
    *("ScaleFactor", "DecayFactor", "DecayCorrectionFactor", "DecayCorrection", "FrameReferenceTime"),
    *("ImageOrientationPatientDICOM", "SliceThickness", "ImageType", "ImageComments", "ConversionSoftware"),
    *("ConversionSoftwareVersion", "SkullStripped"),
)
_TRACER_FIELDS = (
    *("TracerName", "TracerRadionuclide", "ModeOfAdministration", "InjectedRadioactivity", "InjectedMass"),
    *("InjectedRadioactivityUnits", "InjectedMassUnits", "SpecificRadioactivity", "MolarActivityUnits"),
    *("SpecificRadioactivityUnits", "MolarActivity", "PharmaceuticalName", "PharmaceuticalDoseAmount"),
    *("PharmaceuticalDoseUnits", "PharmaceuticalDoseTime", "TaskName"),
    "AttenuationCorrection",
    *("TimeZero", "ScanStart", "InjectionStart", "InjectionEnd", "FrameTimesStart", "FrameDuration"),
)

FITTED_TOGETHER = "white matter and fluid fitted together with grey matter"


class Measurement(NamedTuple):
    """What a parameter is, and its unit as sidecars and figures write it."""

    description: str
    units: str


MEASUREMENTS: Mapping[str, Measurement] = MappingProxyType(
    {
        "BPND": Measurement("Non-displaceable binding potential", "unitless"),
        "DVR": Measurement("Distribution volume ratio to the reference region", "unitless"),
        "SUVR": Measurement("Ratio of radioactivity to the reference region", "unitless"),
        "R1": Measurement("Ratio of tracer transport (K1) to the reference region", "unitless"),
        "k2": Measurement("Rate constant of tracer leaving the tissue", "1/min"),
        "k2a": Measurement("Apparent rate constant of tracer leaving the tissue", "1/min"),
        "k2prime": Measurement("Rate constant of tracer leaving the reference region", "1/min"),
        "Ki": Measurement("Net influx rate (PatlakRef: relative to the reference region)", "1/min"),
        "VT": Measurement("Total distribution volume in plasma, without the blood in tissue", "mL/cm3"),
        "K1": Measurement("Rate constant of tracer entering the tissue from plasma", "mL/cm3/min"),
        "k3": Measurement("Rate constant of tracer being bound", "1/min"),
        "k4": Measurement("Rate constant of bound tracer being released", "1/min"),
        "vB": Measurement("Share of blood in the tissue", "unitless"),
        "gamma": Measurement("Amplitude of displacement", "1/min"),
        "onset": Measurement("Onset of displacement after injection", "min"),
        "peak": Measurement("Peak of displacement after injection", "min"),
        "F": Measurement("F statistic of displacement against no displacement", "unitless"),
        "p": Measurement("Probability of that F statistic without displacement", "unitless"),
        "q": Measurement("False discovery rate of p over the voxels of the brain", "unitless"),
        "BPNDafter": Measurement(
            "Non-displaceable binding potential at the height of displacement", "unitless"
        ),
        "BPNDchange": Measurement(
            "Change of binding potential by displacement, negative where it falls", "%"
        ),
        "intercept": Measurement("Intercept of the linear plot", "min (Logan), unitless (Patlak)"),
        "R2": Measurement("Share of variance that the model explains", "unitless"),
    }
)
_CORRECTIONS = MappingProxyType(
    {
        "GTM": "geometric transfer matrix (Rousset 1998)",
        "RBV": "region-based voxelwise correction (Thomas 2011)",
    }
)
STATISTICS: Mapping[str, Measurement] = MappingProxyType(
    {
        "effect": Measurement("Estimated effect", "as the maps"),
        "variance": Measurement("Variance of the estimated effect", "as the maps, squared"),
        "se": Measurement("Standard error of the estimated effect", "as the maps"),
        "t": Measurement("t statistic", "unitless"),
        "z": Measurement("z score of the t statistic", "unitless"),
        "p": Measurement("Probability under the null hypothesis, two-tailed, uncorrected", "unitless"),
        "g": Measurement("Effect size (Hedges' g)", "unitless"),
        "r2": Measurement("Share of variance that the design explains", "unitless"),
    }
)


@dataclass(frozen=True)
class ModelUse:
    """A kinetic model as it was used.

    Attributes
    ----------
    name
        As in `model-`: LoganRef, SRTM ...
    reference_region
        Name of the reference region.
    k2_prime_per_min, k2_prime_source
        The rate constant given to the model and where it is from; None where the model needs none or it is
        estimated while running.
    t_star_min, t_star_source
        First minute of regression and where it is from; None where the model has none or it is found while running.
    weights
        What weighs the frames, in words.
    software_version, command_line
        Of the run.
    smoothing_fwhm_mm
        Of the image before its voxels were fitted.
    mixed_tissue
        Point spread by which white matter and fluid were fitted apart; None where they were not.
    blood
        Fields of the blood that drives it; empty where the reference region does.
    """

    name: str
    reference_region: str
    k2_prime_per_min: float | None
    k2_prime_source: str
    t_star_min: float | None
    weights: str
    software_version: str
    command_line: str = ""
    t_star_source: str = ""
    smoothing_fwhm_mm: float | None = None
    mixed_tissue: PointSpread | None = None
    blood: Mapping[str, Any] = field(default_factory=dict)


def bids_uri(path: Path, root: Path, dataset: str = "") -> str:
    """URI of a file: `bids::sub-01/...` of this dataset, `bids:raw:sub-01/...` of the linked one `raw`."""
    return f"bids:{dataset}:{path.relative_to(root).as_posix()}"


def taken_from(program: str) -> dict[str, str]:
    """Field of an output that another program made; empty for own ones."""
    return {"TakenFrom": program} if program else {}


def pet_fields(scan: PetScan) -> dict[str, Any]:
    """Raw tracer and timing fields that stay true of what is made from a scan, and its decay correction."""
    kept = {name: scan.metadata[name] for name in _TRACER_FIELDS if name in scan.metadata}
    return kept | _decay_fields(scan)


def preproc_pet_sidecar(scan: PetScan, sources: Sequence[str], description: str) -> dict[str, Any]:
    """Sidecar of the corrected PET series: every raw field except those that processing made untrue."""
    kept = {name: value for name, value in scan.metadata.items() if name not in _UNTRUE_AFTER_PROCESSING}
    return kept | _decay_fields(scan) | image_sidecar(description, sources)


def image_sidecar(
    description: str,
    sources: Sequence[str],
    *,
    skull_stripped: bool = False,
    units: str = "",
    spatial_reference: str = "",
    resolution: str = "",
) -> dict[str, Any]:
    """Sidecar of an image that is neither mask nor segmentation."""
    optional = {"Units": units, "SpatialReference": spatial_reference, "Resolution": resolution}
    return {
        "Description": description,
        "Sources": list(sources),
        "SkullStripped": skull_stripped,
        **{name: value for name, value in optional.items() if value},
    }


def mask_sidecar(
    description: str, sources: Sequence[str], kind: Literal["Brain", "Lesion", "Face", "ROI"]
) -> dict[str, Any]:
    """Sidecar of a mask."""
    return {"Description": description, "Sources": list(sources), "Type": kind}


def segmentation_sidecar(
    description: str, sources: Sequence[str], labels: Mapping[str, str]
) -> dict[str, Any]:
    """Sidecar of a segmentation; `labels` says in words what its values mean, where no table does."""
    sidecar: dict[str, Any] = {"Description": description, "Sources": list(sources), "Manual": False}
    return sidecar | ({"LabelMap": dict(labels)} if labels else {})


def transform_sidecar(source_space: str, target_space: str, sources: Sequence[str]) -> dict[str, Any]:
    """Sidecar of a transform that resamples images of one space onto another (ITK, as fMRIPrep writes it)."""
    return {
        "Description": f"Transform that brings images of {source_space} onto {target_space}: its points go "
        f"from {target_space} to {source_space}.",
        "FromSpace": source_space,
        "ToSpace": target_space,
        "Sources": list(sources),
    }


def curves_sidecar(scan: PetScan, description: str, sources: Sequence[str]) -> dict[str, Any]:
    """Sidecar of a table of curves: `frame_start`, `frame_end`, then a column per region."""
    from_zero = "from TimeZero"
    return {
        "Description": description,
        "Sources": list(sources),
        "Units": scan.metadata.get("Units", "arbitrary"),
        "frame_start": {"Description": f"Start of the frame {from_zero}", "Units": "s"},
        "frame_end": {"Description": f"End of the frame {from_zero}", "Units": "s"},
        **pet_fields(scan),
    }


def partial_volume_fields(method: str, spread: PointSpread) -> dict[str, Any]:
    """Fields that say how partial volume was corrected (no draft names them yet)."""
    return {
        "PartialVolumeCorrection": _CORRECTIONS[method],
        **point_spread_fields(spread),
    }


def describe_mixed_tissue(white: bool, fluid: bool) -> str:
    """What of white matter and fluid was fitted apart: value of the field `MixedTissue` (no draft names it)."""
    if white and fluid:
        return "white matter and fluid fitted apart, white matter as around each voxel"
    if white:
        return "white matter fitted apart, as around each voxel; fluid together with grey matter"
    return "fluid fitted apart; white matter together with grey matter" if fluid else FITTED_TOGETHER


def point_spread_fields(spread: PointSpread) -> dict[str, Any]:
    """Fields of a point spread."""
    return {
        "PointSpreadFWHM": [round(width, 3) for width in spread.fwhm_mm],
        "PointSpreadFWHMUnits": "mm",
        "PointSpreadSource": spread.source,
    }


def model_fields(model: ModelUse, window: Window | None) -> dict[str, Any]:
    """Fields that say how a model was used (BEP023); `window` None = every frame."""
    inputs: list[tuple[str, float, str]] = []
    if model.k2_prime_per_min is not None:
        inputs.append(("k2prime", model.k2_prime_per_min, "1/min"))
    if model.t_star_min is not None:
        inputs.append(("tstar", model.t_star_min, "min"))
    if window is not None:
        inputs.extend((("window start", window.start_min, "min"), ("window end", window.end_min, "min")))
    fields: dict[str, Any] = {
        "ModelName": model.name,
        ("RegionOfDelay" if model.blood else "ReferenceRegion"): model.reference_region,
        **model.blood,
        "InputValuesLabels": [label for label, _, _ in inputs],
        "InputValues": [value for _, value, _ in inputs],
        "InputValuesUnits": [units for _, _, units in inputs],
        "Weights": model.weights,
        "SoftwareName": "morbids",
        "SoftwareVersion": model.software_version,
    }
    if model.k2_prime_source:
        fields["k2primeSource"] = model.k2_prime_source
    if model.t_star_source:
        fields["tstarSource"] = model.t_star_source
    if model.command_line:
        fields["CommandLine"] = model.command_line
    return fields | (point_spread_fields(model.mixed_tissue) if model.mixed_tissue else {})


def parametric_map_sidecar(
    scan: PetScan,
    model: ModelUse,
    measurement: str,
    window: Window | None,
    sources: Sequence[str],
    *,
    resolution: str = "",
) -> dict[str, Any]:
    """Sidecar of a map of one parameter."""
    what = MEASUREMENTS[measurement]
    part = "" if window is None or window.name == WHOLE_SCAN else f", window {window.name}"
    return (
        image_sidecar(
            f"{what.description} ({model.name}){part}", sources, units=what.units, resolution=resolution
        )
        | {"Measurement": measurement}
        | _smoothing(model)
        | ({"Window": window._asdict()} if window else {})
        | model_fields(model, window)
        | pet_fields(scan)
    )


def difference_map_sidecar(
    scan: PetScan,
    model: ModelUse,
    measurement: str,
    pair: WindowPair,
    sources: Sequence[str],
    *,
    percent: bool = False,
    resolution: str = "",
) -> dict[str, Any]:
    """Sidecar of baseline minus challenge; positive where binding falls (activation)."""
    what = MEASUREMENTS[measurement]
    unit = "percent of baseline" if percent else what.units
    description = f"{what.description}: {pair.baseline.name} minus {pair.challenge.name}, {unit}"
    return (
        image_sidecar(description, sources, units="%" if percent else what.units, resolution=resolution)
        | {
            "Measurement": measurement,
            "Baseline": pair.baseline._asdict(),
            "Challenge": pair.challenge._asdict(),
        }
        | _smoothing(model)
        | model_fields(model, None)
        | pet_fields(scan)
    )


def _smoothing(model: ModelUse) -> dict[str, float]:
    """Field of maps that says how wide the image was smoothed, in mm (no draft names it yet)."""
    return {} if model.smoothing_fwhm_mm is None else {"SmoothingFWHM": model.smoothing_fwhm_mm}


def kinpar_sidecar(
    scan: PetScan, model: ModelUse, parameters: Sequence[str], window: Window | None, sources: Sequence[str]
) -> dict[str, Any]:
    """Sidecar of a table of regional parameters: a row per region, `<parameter>-se` the standard error."""
    return (
        {"Description": f"Regional parameters of {model.name}", "Sources": list(sources)}
        | ({"Window": window._asdict()} if window else {})
        | model_fields(model, window)
        | kinpar_columns(parameters)
        | pet_fields(scan)
    )


def kinpar_columns(parameters: Sequence[str]) -> dict[str, Any]:
    """Description of every column of a table of regional parameters."""
    columns: dict[str, Any] = {"name": {"Description": "Region"}}
    for parameter in parameters:
        what = MEASUREMENTS[parameter]
        columns[parameter] = {"Description": what.description, "Units": what.units}
        for ending, meaning in (
            ("se", "Standard error of {}; n/a where it is not identifiable"),
            ("low", "Lower end of the 95 % interval of {}"),
            ("high", "Upper end of the 95 % interval of {}"),
        ):
            columns[f"{parameter}-{ending}"] = {"Description": meaning.format(parameter), "Units": what.units}
    return columns | {"df": {"Description": "Degrees of freedom of the standard errors and intervals"}}


def table_sidecar(
    description: str, columns: Mapping[str, tuple[str, str]], sources: Sequence[str] = ()
) -> dict[str, Any]:
    """Sidecar of any other table: each column's description and unit (empty = none)."""
    described = {
        name: {"Description": text} | ({"Units": units} if units else {})
        for name, (text, units) in columns.items()
    }
    return {"Description": description} | ({"Sources": list(sources)} if sources else {}) | described


def write_described(
    table: pd.DataFrame, path: Path, description: str, columns: Mapping[str, tuple[str, str]]
) -> None:
    """Write a table with its sidecar; errors as for `write_text`."""
    write_table(table, path)
    write_json(sidecar_path(path), table_sidecar(description, columns))


def statistical_map_sidecar(
    statistic: str, contrast: str, sources: Sequence[str], details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Sidecar of a group map; `details` adds what the inference needs (degrees of freedom ...)."""
    what = STATISTICS.get(statistic, Measurement(statistic, "unitless"))
    return {
        "Description": f"{what.description} of the contrast {contrast}",
        "Contrast": contrast,
        "Statistic": statistic,
        "Units": what.units,
        "Sources": list(sources),
        **(details or {}),
    }


def resolution_text(voxel_mm: float) -> str:
    """The field `Resolution`, required where a name has `res-`."""
    return f"Isotropic voxels of {voxel_mm:g} mm"


def template_reference(space: str) -> dict[str, str]:
    """Field `SpatialReference` of images in a template that BIDS does not know by name."""
    if space in STANDARD_SPACES:
        return {}
    return {"SpatialReference": f"bids:templateflow:tpl-{space}/tpl-{space}_res-02_T1w.nii.gz"}


def _decay_fields(scan: PetScan) -> dict[str, Any]:
    """Outputs are always corrected for decay to injection."""
    return {
        "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": scan.timing.injection_s,
        "RadionuclideHalfLife": round(scan.timing.half_life_min * 60, 3),
    }
