"""Methods text to copy into a paper, made of what was really done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from morbids.numerics.statistics.methods import METHODS, Inference

TakenStep = Literal[
    "brain extraction", "segmentation", "normalization", "motion correction", "registration to T1w"
]

_MODELS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "SUVR": ("the ratio of uptake in target and reference region (SUVR)", ()),
    "LoganRef": ("the Logan reference model", ("Logan 1996",)),
    "MRTM0": ("the multilinear reference tissue model (MRTM0)", ("Ichise 1996",)),
    "MRTM1": ("the multilinear reference tissue model (MRTM)", ("Ichise 2003",)),
    "MRTM2": ("the two-parameter multilinear reference tissue model (MRTM2)", ("Ichise 2003",)),
    "SRTM": (
        "the simplified reference tissue model, fitted with basis functions",
        ("Lammertsma 1996", "Gunn 1997"),
    ),
    "SRTM2": ("the simplified reference tissue model with a common k2' (SRTM2)", ("Wu 2002",)),
    "PatlakRef": ("the Patlak reference model", ("Patlak 1985",)),
    "StepChange": (
        "the linearised extended simplified reference tissue model with a step change",
        ("Zhou 2006",),
    ),
    "StepChange2": (
        "the linearised extended simplified reference tissue model with a step change and a common k2'",
        ("Zhou 2006", "Ichise 2003"),
    ),
    "LSSRM": ("the linear simplified reference region model (LSSRM)", ("Alpert 2003",)),
    "lpntPET": ("the linear parametric neurotransmitter PET model (lp-ntPET)", ("Normandin 2012",)),
}

_PARTIAL_VOLUME: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "GTM": (
        "Curves of regions and of the reference region, but not maps, were corrected for partial volume with the "
        "geometric transfer matrix",
        ("Rousset 1998",),
    ),
    "RBV": (
        "Frames were corrected for partial volume voxel by voxel with the region-based method",
        ("Rousset 1998", "Thomas 2011"),
    ),
}

_REFERENCES: Final[dict[str, str]] = {
    "Alpert 2003": "Alpert NM, et al. (2003) NeuroImage 19:1050–1060.",
    "Benjamini 1995": "Benjamini Y, Hochberg Y (1995) J R Stat Soc B 57:289–300.",
    "Bullmore 1999": "Bullmore ET, et al. (1999) IEEE Trans Med Imaging 18:32–42.",
    "Fonov 2011": "Fonov V, et al. (2011) NeuroImage 54:313–327.",
    "Cunningham 2010": "Cunningham VJ, et al. (2010) J Cereb Blood Flow Metab 30:46–50.",
    "Freedman 1983": "Freedman D, Lane D (1983) J Bus Econ Stat 1:292–298.",
    "Gunn 1997": "Gunn RN, et al. (1997) NeuroImage 6:279–287.",
    "Holm 1979": "Holm S (1979) Scand J Stat 6:65–70.",
    "Ichise 1996": "Ichise M, et al. (1996) J Nucl Med 37:513–520.",
    "Ichise 2003": "Ichise M, et al. (2003) J Cereb Blood Flow Metab 23:1096–1112.",
    "Innis 2007": "Innis RB, et al. (2007) J Cereb Blood Flow Metab 27:1533–1539.",
    "Lammertsma 1996": "Lammertsma AA, Hume SP (1996) NeuroImage 4:153–158.",
    "Logan 1996": "Logan J, et al. (1996) J Cereb Blood Flow Metab 16:834–840.",
    "McGraw 1996": "McGraw KO, Wong SP (1996) Psychol Methods 1:30–46.",
    "Nichols 2002": "Nichols TE, Holmes AP (2002) Hum Brain Mapp 15:1–25.",
    "Normandin 2012": "Normandin MD, et al. (2012) NeuroImage 59:2714–2726.",
    "Patlak 1985": "Patlak CS, Blasberg RG (1985) J Cereb Blood Flow Metab 5:584–590.",
    "Rousset 1998": "Rousset OG, Ma Y, Evans AC (1998) J Nucl Med 39:904–911.",
    "Smith 2009": "Smith SM, Nichols TE (2009) NeuroImage 44:83–98.",
    "Sullivan 2013": "Sullivan JM, et al. (2013) Am J Nucl Med Mol Imaging 3:247–260.",
    "Thomas 2011": "Thomas BA, et al. (2011) Eur J Nucl Med Mol Imaging 38:1104–1119.",
    "Tustison 2010": "Tustison NJ, et al. (2010) IEEE Trans Med Imaging 29:1310–1320.",
    "Westfall 1993": "Westfall PH, Young SS (1993) Resampling-Based Multiple Testing. Wiley, New York.",
    "Worsley 1992": "Worsley KJ, et al. (1992) J Cereb Blood Flow Metab 12:900–918.",
    "Worsley 1996": "Worsley KJ, et al. (1996) Hum Brain Mapp 4:58–73.",
    "Wu 2002": "Wu Y, Carson RE (2002) J Cereb Blood Flow Metab 22:1440–1452.",
    "Yushkevich 2016": "Yushkevich PA, et al. (2016) Alzheimers Dement 12:P126–P127.",
    "Zhou 2006": "Zhou Y, et al. (2006) NeuroImage 33:550–563.",
}


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
        Reference region in words.
    k2_prime_per_min, k2_prime_source
        None for a model that needs none.
    t_star_min
        None for a model that needs none.
    windows
        Name, start and end in minutes.
    atlas
        Name of the atlas of the regional curves.
    motion_corrected
        Whether frames were realigned.
    partial_volume
        How partial volume was corrected; None where it was not.
    taken
        Other programs, by the steps whose results are theirs.
    """

    version: str
    template: str
    template_source: str
    model: str
    reference: str
    k2_prime_per_min: float | None
    k2_prime_source: str
    t_star_min: float | None
    windows: tuple[tuple[str, float, float], ...]
    atlas: str
    motion_corrected: bool = True
    partial_volume: PartialVolume | None = None
    taken: Mapping[TakenStep, str] = field(default_factory=dict)


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
    two_scans: bool = False


def participant_methods(choices: ScanChoices) -> tuple[str, ...]:
    """Paragraphs on preprocessing and kinetics, and their references."""
    model, sources = _MODELS.get(choices.model, (choices.model, ()))
    imaging = " ".join(
        sentence for sentence in (_anatomy(choices), _frames(choices), _taken(choices.taken)) if sentence
    )
    assumed = [
        f"k2' = {choices.k2_prime_per_min:.4g} /min ({choices.k2_prime_source})"
        if choices.k2_prime_per_min is not None
        else "",
        f"t* = {choices.t_star_min:g} min" if choices.t_star_min is not None else "",
    ]
    stated = " and ".join(value for value in assumed if value)
    kinetics = (
        f"Non-displaceable binding potential (BP_ND; Innis 2007) was estimated with {model}"
        f"{_cited(sources)}, with {choices.reference} as reference region{', ' + stated if stated else ''}, in every "
        f"voxel and in the regions of {choices.atlas}. {_windows(choices.windows)}"
    )
    correction, corrected_by = _partial_volume(choices.partial_volume)
    cited = ("Tustison 2010", "Fonov 2011", "Yushkevich 2016")
    shared = (*(name for name in cited if name in imaging), "Innis 2007")
    windowed = ("Sullivan 2013",) if len(choices.windows) > 1 else ()
    used = (*shared, *sources, *windowed, *corrected_by)
    return (imaging, f"{kinetics.strip()}{correction}", _references(used))


def group_methods(choices: GroupChoices) -> tuple[str, ...]:
    """Paragraphs on maps, tests and claims of the group level, and their references."""
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
        f"{choices.claims} (Westfall 1993; Holm 1979).{declared}"
    )
    others = [_words(name) for name in choices.corrections if name != choices.primary]
    beside = f" As sensitivity, of each contrast alone: {'; '.join(others)}." if others else ""
    if choices.two_scans:
        beside += (
            " Change in percent, test-retest variability, intraclass correlations (ICC(A,1) and ICC(C,1); McGraw 1996) "
            "and occupancy (Lassen plot over regions; Cunningham 2010) of two scans are described, not tested."
        )
    sources = [source for name in choices.corrections for source in METHODS[name].sources]
    used = (*sources, *(("Freedman 1983",) if choices.covariates else ()), "Westfall 1993", "Holm 1979")
    used += ("McGraw 1996", "Cunningham 2010") if choices.two_scans else ()
    return (first, f"{claims}{beside}", _references(used))


def _words(correction: Inference) -> str:
    method = METHODS[correction]
    return f"{method.words}{_cited(method.sources)}"


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
            f" {', '.join(choices.covariates)} entered as covariates of no interest (Freedman 1983)."
        )
    return "".join(sentences)


def _partial_volume(correction: PartialVolume | None) -> tuple[str, tuple[str, ...]]:
    """A sentence on the correction for partial volume, and its sources."""
    if correction is None:
        return "", ()
    what, sources = _PARTIAL_VOLUME[correction.method]
    width = " x ".join(f"{width:.3g}" for width in correction.fwhm_mm)
    return f" {what}, for a point spread of {width} mm full width at half maximum{_cited(sources)}.", sources


def _anatomy(choices: ScanChoices) -> str:
    """Say what was done to the T1w image here."""
    own = {
        "brain extraction": "corrected for intensity non-uniformity (N4; Tustison 2010), their brains extracted",
        "segmentation": "segmented into grey matter, white matter and cerebrospinal fluid",
        "normalization": f"normalized to {choices.template} ({choices.template_source}; Fonov 2011) with "
        "diffeomorphic registration (greedy; Yushkevich 2016)",
    }
    done = [text for step, text in own.items() if step not in choices.taken]
    start = f"Images were processed with morbids {choices.version}."
    if not done:
        return start
    listed = ", ".join(done[:-1]) + ", and " + done[-1] if len(done) > 1 else done[0]
    return f"{start} T1-weighted images were {listed}."


def _frames(choices: ScanChoices) -> str:
    """Say what was done to the PET image here."""
    sentences = []
    if not choices.motion_corrected:
        sentences.append("Head motion was not corrected.")
    elif "motion correction" not in choices.taken:
        sentences.append(
            "Frames were realigned to the mean of the scan with rigid transforms; frames too short to be registered "
            "took the estimate of a neighbour."
        )
    if "registration to T1w" not in choices.taken:
        sentences.append("The PET image was registered rigidly to the T1-weighted image.")
    return " ".join([*sentences, "Every map was resampled once, with all transforms joined."])


def _taken(taken: Mapping[TakenStep, str]) -> str:
    """Say what other programs did."""
    programs = dict.fromkeys(taken.values())
    return " ".join(
        f"Results of {', '.join(step for step, by in taken.items() if by == program)} were taken from {program}."
        for program in programs
    )


def _windows(windows: tuple[tuple[str, float, float], ...]) -> str:
    if not windows:
        return ""
    named = ", ".join(f"{name} {start:g}–{end:g} min" for name, start, end in windows)
    text = f"Windows from injection: {named}; integrals run from injection in each"
    return f"{text} (Sullivan 2013)." if len(windows) > 1 else f"{text}."


def _cited(sources: tuple[str, ...]) -> str:
    return f" ({'; '.join(sources)})" if sources else ""


def _references(names: tuple[str, ...]) -> str:
    return "References: " + " ".join(_REFERENCES[name] for name in sorted(set(names)))
