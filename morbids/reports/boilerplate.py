"""Methods text to copy into a paper, made of what was really done.

Paragraphs cite as `bibliography` reads it; the page that shows them numbers the works and lists them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple

from morbids.imaging.reference import ReferenceRule
from morbids.numerics.statistics.methods import METHODS, Inference
from morbids.reports.bibliography import citation

TakenStep = Literal[
    "brain extraction", "segmentation", "normalization", "motion correction", "registration to T1w"
]

_MODELS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "SUVR": ("the ratio of uptake in target and reference region (SUVR)", ()),
    "LoganRef": ("the Logan reference model", ("Logan1996",)),
    "MRTM0": ("the multilinear reference tissue model (MRTM0)", ("Ichise1996",)),
    "MRTM1": ("the multilinear reference tissue model (MRTM)", ("Ichise2003",)),
    "MRTM2": ("the two-parameter multilinear reference tissue model (MRTM2)", ("Ichise2003",)),
    "SRTM": (
        "the simplified reference tissue model, fitted with basis functions",
        ("Lammertsma1996", "Gunn1997"),
    ),
    "SRTM2": ("the simplified reference tissue model with a common k2' (SRTM2)", ("Wu2002",)),
    "PatlakRef": ("the Patlak reference model", ("Patlak1985",)),
    "StepChange": (
        "the linearised extended simplified reference tissue model with a step change",
        ("Zhou2006",),
    ),
    "StepChange2": (
        "the linearised extended simplified reference tissue model with a step change and a common k2'",
        ("Zhou2006", "Ichise2003"),
    ),
    "LSSRM": ("the linear simplified reference region model (LSSRM)", ("Alpert2003",)),
    "lpntPET": ("the linear parametric neurotransmitter PET model (lp-ntPET)", ("Normandin2012",)),
    "PlasmaLogan": ("the Logan plot with arterial plasma input", ("Logan1990",)),
    "PlasmaPatlak": ("the Patlak plot with arterial plasma input", ("Patlak1983",)),
    "MA1": ("the multilinear analysis MA1 with arterial plasma input", ("Ichise2002",)),
    "1TCM": ("one tissue compartment with arterial plasma input", ("Gunn2001",)),
    "2TCM": ("two reversible tissue compartments with arterial plasma input", ("Gunn2001",)),
}

_PARTIAL_VOLUME: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "GTM": (
        "Curves of regions and of the reference region, but not maps, were corrected for partial volume with the "
        "geometric transfer matrix",
        ("Rousset1998",),
    ),
    "RBV": (
        "Frames were corrected for partial volume voxel by voxel with the region-based method",
        ("Rousset1998", "Thomas2011"),
    ),
}
_ATLASES: Final[dict[str, tuple[str, ...]]] = {"AAL": ("Rolls2015",)}

_REGISTERS: Final[tuple[TakenStep, ...]] = (
    "brain extraction",
    "normalization",
    "registration to T1w",
)
"""Steps that run greedy, unless their results are taken."""


@dataclass(frozen=True)
class PartialVolume:
    """Correction for partial volume: `GTM` (regions) or `RBV` (voxels), and the width of the point spread."""

    method: Literal["GTM", "RBV"]
    fwhm_mm: tuple[float, float, float]


@dataclass(frozen=True)
class ScanChoices:
    """What the participant level did.

    Attributes
    ----------
    version
        Of morbids.
    template, template_source
        Space, and where it came from.
    model
        Name of the model; one of BEP023's or of this project's.
    reference
        How the reference region was cut.
    smoothing_fwhm_mm
        Of the frames before every voxel was fitted; 0 for none.
    weighted
        Whether frames were weighted by duration and decay.
    k2_prime
        Its value, or how it was found, in words; empty for a model that needs none.
    t_star_min
        None for a model that needs none.
    windows
        Name, start and end in minutes.
    atlases
        Names of the atlases of the regional curves.
    second_model
        Model whose results stand beside; empty for none.
    mixed_tissue
        What was done about white matter and fluid within regions, in words; empty for nothing.
    motion_corrected
        Whether frames were realigned.
    partial_volume
        How partial volume was corrected; None where it was not.
    taken
        Other programs, by the steps whose results are theirs.
    blood
        How blood became an input function, one sentence; empty where a reference region drives the model.
    estimated
        The model's main parameter, in words.
    """

    version: str
    template: str
    template_source: str
    model: str
    reference: ReferenceRule
    smoothing_fwhm_mm: float
    weighted: bool
    k2_prime: str
    t_star_min: float | None
    windows: tuple[tuple[str, float, float], ...]
    atlases: tuple[str, ...]
    second_model: str = ""
    mixed_tissue: str = ""
    motion_corrected: bool = True
    partial_volume: PartialVolume | None = None
    taken: Mapping[TakenStep, str] = field(default_factory=dict)
    blood: str = ""
    estimated: str = "Non-displaceable binding potential (BP_ND [@Innis2007])"


class ContrastChoices(NamedTuple):
    """One contrast: its title, number of maps, its test, and the rearrangements of each method that made some."""

    title: str
    n_maps: int
    design: str
    rearrangements: Mapping[Inference, str]


@dataclass(frozen=True)
class GroupChoices:
    """What the group level did.

    Attributes
    ----------
    version
        Of morbids.
    maps
        Where the maps came from, one sentence.
    smoothing_fwhm_mm
        0 for none.
    voxels
        Which voxels are tested.
    statistic
        "t" or "pseudo-t".
    contrasts
        In the order of the page.
    regions
        What the a-priori regions are.
    claims
        How many tests there are, and how they are corrected for each other.
    primary
        The method that claims of the whole brain are made by; the others are sensitivity.
    corrections
        All that were used on single contrasts.
    expected
        Directions that were declared.
    traits, covariates
        Columns.
    conjunction
        Whether claims of all changes together are made.
    two_scans
        Whether change, agreement and occupancy of two scans of the same people are described.
    """

    version: str
    maps: str
    smoothing_fwhm_mm: float
    voxels: str
    statistic: str
    contrasts: tuple[ContrastChoices, ...]
    regions: str
    claims: str
    primary: Inference
    corrections: tuple[Inference, ...]
    expected: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    conjunction: bool = False
    two_scans: bool = False


def participant_methods(choices: ScanChoices) -> tuple[str, ...]:
    """Paragraphs on preprocessing and kinetics."""
    imaging = (_anatomy(choices), _frames(choices), _taken(choices.taken))
    kinetics = (
        _model(choices),
        choices.blood or _reference(choices.reference),
        _windows(choices.windows),
        choices.mixed_tissue,
        _partial_volume(choices.partial_volume),
    )
    return tuple(" ".join(filter(None, sentences)) for sentences in (imaging, kinetics))


def group_methods(choices: GroupChoices) -> tuple[str, ...]:
    """Paragraphs on maps, tests and claims of the group level."""
    smoothing = (
        f"smoothed with a Gaussian of {choices.smoothing_fwhm_mm:g} mm full width at half maximum"
        if choices.smoothing_fwhm_mm > 0
        else "not smoothed"
    )
    tests = "; ".join(
        f"{one.title}: {one.design} ({one.n_maps} maps{_rearranged(one.rearrangements)})"
        for one in choices.contrasts
    )
    first = (
        f"Group statistics were computed with morbids {choices.version}. {choices.maps} Maps were {smoothing} and "
        f"tested voxel by voxel ({choices.voxels}) with a linear model; the statistic is {choices.statistic}. "
        f"Contrasts: {tests}.{_columns(choices)}"
    )
    declared = f" Declared before looking: {', '.join(choices.expected)}." if choices.expected else ""
    claims = (
        f"What may be claimed was fixed beforehand: {choices.regions}, and the whole brain by "
        f"{_words(choices.primary)}. "
        f"{choices.claims} [@Westfall1993; @Holm1979].{declared}"
    )
    others = [_words(name) for name in choices.corrections if name != choices.primary]
    beside = f" As sensitivity, of each contrast alone: {'; '.join(others)}." if others else ""
    if choices.conjunction:
        beside += " What every change shows is claimed of all by the minimum statistic [@Nichols2005]."
    if choices.two_scans:
        beside += (
            " Change in percent, test-retest variability, intraclass correlations (ICC(A,1) and ICC(C,1)) "
            "[@McGraw1996] and occupancy (Lassen plot over regions) [@Cunningham2010] of two scans are "
            "described, not tested."
        )
    return (first, f"{claims}{beside}")


def _words(correction: Inference) -> str:
    method = METHODS[correction]
    return f"{method.words}{citation(method.sources)}"


def _rearranged(rearrangements: Mapping[Inference, str]) -> str:
    """Number of rearrangements of each method, those of one number together."""
    by_number: dict[str, list[str]] = {}
    for name, number in rearrangements.items():
        by_number.setdefault(number, []).append(name)
    return "".join(f"; {number} for {', '.join(names)}" for number, names in by_number.items())


def _columns(choices: GroupChoices) -> str:
    """Sentences on traits and covariates."""
    sentences = []
    if choices.traits:
        partial = "partial correlations" if choices.covariates else "correlations"
        sentences.append(
            f" Slopes on {', '.join(choices.traits)} are tested on maps and regions, and given as {partial} too."
        )
    if choices.covariates:
        sentences.append(
            f" {', '.join(choices.covariates)} entered as covariates of no interest [@Freedman1983]."
        )
    return "".join(sentences)


def _partial_volume(correction: PartialVolume | None) -> str:
    """A sentence on the correction for partial volume."""
    if correction is None:
        return ""
    what, sources = _PARTIAL_VOLUME[correction.method]
    width = " x ".join(f"{width:.3g}" for width in correction.fwhm_mm)
    return f"{what}, for a point spread of {width} mm full width at half maximum{citation(sources)}."


def _anatomy(choices: ScanChoices) -> str:
    """Say what was done to the T1w image here."""
    own: dict[TakenStep, str] = {
        "brain extraction": "The brain was found in the T1-weighted image, evened over 30 mm, by "
        "deformable registration of a template; what was left of intensity non-uniformity was corrected within it (N4 "
        "[@Tustison2010] of SimpleITK [@Lowekamp2013]), and the mask trimmed to the hull of the brain's tissue.",
        "segmentation": "Grey matter, white matter and cerebrospinal fluid were segmented by a Gaussian mixture with "
        "population maps and a Markov field as priors.",
        "normalization": f"The image was normalized to {choices.template} [@Fonov2011] ({choices.template_source}) by "
        "affine, then diffeomorphic registration with local correlation.",
    }
    done = [sentence for step, sentence in own.items() if step not in choices.taken]
    registers = any(step not in choices.taken for step in _REGISTERS)
    start = (
        f"Images in BIDS [@Gorgolewski2016; @Norgaard2022] were processed with morbids {choices.version}, whose graph "
        "is Nipype's [@Gorgolewski2011]."
    )
    with_greedy = "Images were registered with greedy [@Yushkevich2016]." if registers else ""
    return " ".join(filter(None, (start, *done, with_greedy)))


def _frames(choices: ScanChoices) -> str:
    """Say what was done to the PET image here."""
    sentences = []
    if not choices.motion_corrected:
        sentences.append("Head motion was not corrected.")
    elif "motion correction" not in choices.taken:
        sentences.append(
            "Frames were realigned with rigid transforms to the mean of the middle of the scan, then to that of all "
            "later frames so aligned (local correlation, from coarse to fine); frames too short to be registered took "
            "the estimate of a neighbour."
        )
    if "registration to T1w" not in choices.taken:
        sentences.append(
            "The PET image was registered rigidly to the T1-weighted image (normalised mutual information, then local "
            "correlation with PET as T1w predicts it)."
        )
    return " ".join([*sentences, "Every map was resampled once, with all transforms joined."])


def _taken(taken: Mapping[TakenStep, str]) -> str:
    """Say what other programs did."""
    programs = dict.fromkeys(taken.values())
    return " ".join(
        f"Results of {', '.join(step for step, by in taken.items() if by == program)} were taken from {program}."
        for program in programs
    )


def _model(choices: ScanChoices) -> str:
    """Say what was fitted, where, and with which numbers."""
    assumed = [
        f"k2' {choices.k2_prime}" if choices.k2_prime else "",
        f"t* = {choices.t_star_min:g} min" if choices.t_star_min is not None else "",
    ]
    stated = " and ".join(value for value in assumed if value)
    atlases = " and ".join(f"{atlas}{citation(_ATLASES.get(atlas, ()))}" for atlas in choices.atlases)
    smoothed = (
        f"frames smoothed with a Gaussian of {choices.smoothing_fwhm_mm:g} mm full width at half maximum"
        if choices.smoothing_fwhm_mm > 0
        else "frames not smoothed"
    )
    weights = "weighted by duration and decay" if choices.weighted else "weighted equally"
    beside = (
        f" {_sentence(_named(choices.second_model))} stands beside as a second opinion."
        if choices.second_model
        else ""
    )
    return (
        f"{choices.estimated} was estimated with {_named(choices.model)}"
        f"{', with ' + stated if stated else ''}, in every voxel ({smoothed}) and in the unsmoothed mean curves of the "
        f"regions of {atlases}; frames were {weights}.{beside}"
    )


def _sentence(words: str) -> str:
    """Words that begin a sentence."""
    return words[:1].upper() + words[1:]


def _named(model: str) -> str:
    """A model in words, with its papers."""
    words, sources = _MODELS.get(model, (model, ()))
    return f"{words}{citation(sources)}"


def _reference(rule: ReferenceRule) -> str:
    """Say how the reference region was cut."""
    cut = [
        f"voxels with at least {rule.gm_threshold:.0%} grey matter" if rule.gm_threshold else "all tissue",
        f"a rim of {rule.erode_mm:g} mm taken off" if rule.erode_mm else "",
        f"{rule.trim_share:.0%} of its height taken off at the top and at the bottom"
        if rule.trim_share
        else "",
        "voxels of unusual activity dropped" if rule.clean_histogram else "",
    ]
    labels = ", ".join(dict.fromkeys(label.removesuffix("_L").removesuffix("_R") for label in rule.labels))
    atlas = Path(rule.atlas).name
    of = f"{atlas}{citation(_ATLASES.get(atlas, ()))}"
    return f"The reference region was {rule.name} ({labels} of {of}): {', '.join(filter(None, cut))}."


def _windows(windows: tuple[tuple[str, float, float], ...]) -> str:
    if not windows:
        return ""
    named = ", ".join(f"{name} {start:g}–{end:g} min" for name, start, end in windows)
    text = f"Windows from injection: {named}; integrals run from injection in each"
    return f"{text} [@Sullivan2013]." if len(windows) > 1 else f"{text}."
