"""What stands under each figure: written once, so that every page explains the same picture the same way."""

from pathlib import Path
from typing import Final, Literal, NamedTuple

from morbids.reports.pages import Figure, Flicker

FigureKind = Literal[
    "overview",
    "brain",
    "pet_on_t1w",
    "reference_region",
    "scan_overview",
    "motion",
    "frames",
    "carpet",
    "curves",
    "fits",
    "logan",
    "input",
    "regional_estimates",
    "k2_prime",
    "t_star",
    "parametric_map",
    "difference_map",
    "protocol",
    "unknowns",
    "glass_brain",
    "statistic_map",
    "effect_map",
    "forest",
    "strip",
    "paired_strip",
    "peaks",
    "place",
    "correlation",
    "lassen",
    "influence",
    "design",
]
FlickerKind = Literal["normalization", "coregistration", "reference_region"]


class _Words(NamedTuple):
    caption: str
    alt: str


_FIGURES: Final[dict[FigureKind, _Words]] = {
    "overview": _Words(
        "A-priori regions. A filled mark is claimed (p corrected for all tests of the page at most .05); one whose "
        "thin line, the interval for all tests at once, meets the grey bar could be the protocol alone.",
        "Effects in a-priori regions with intervals, claimed ones filled, over the range of the protocol alone.",
    ),
    "brain": _Words(
        "T1w with the outlines of the brain mask, grey matter and white matter. The mask should "
        "follow the brain's surface everywhere, without dura or neck; the white-matter line should "
        "follow the border of grey and white.",
        "Slices of the T1w image with outlines of brain mask and tissues.",
    ),
    "pet_on_t1w": _Words(
        "PET reference image with the T1w's outlines. Uptake should fill the brain outline evenly "
        "on all sides; a rim of uptake outside on one side is a registration error.",
        "Slices of the PET image with the outlines of the T1w's brain and white matter.",
    ),
    "reference_region": _Words(
        "Thick line: the voxels whose mean is the reference curve; thin line: the labels of the atlas that they were "
        "cut from. They should lie within grey matter that is free of the "
        "receptor, away from the brain's edge and from regions of high uptake.",
        "Slices through the reference region, outlined.",
    ),
    "scan_overview": _Words(
        "The scan in one picture: PET with the outline of the T1w's brain; displacement of the head from frame to "
        "frame; curves of regions and of the reference region (black); and what each region reads beside what needs "
        "no release (grey). Each has a larger picture below.",
        "PET slices, head motion, curves and regional changes of one scan.",
    ),
    "motion": _Words(
        "The head's position in each frame against the PET reference, and its framewise displacement: the sum of the "
        "absolute changes of the three translations and the three rotations since the frame before, rotations as "
        "arcs on a sphere of 50 mm (Power 2012). Hollow marks: frames too short or too faint to be registered, which "
        "took a neighbour's estimate. Crosses: frames more than 3 mm from the one before. Shaded: windows. Attenuation "
        "is corrected for one position: 5 mm against it are 8 % of the activity at the edge of the brain.",
        "Translations, rotations and framewise displacement over the scan.",
    ),
    "frames": _Words(
        "One plane of frames over the scan, as acquired and realigned, with the brain of the PET reference. Above, the "
        "brain may leave the line; below, it should fill it in every frame. Each frame has its own range of colours.",
        "Sagittal slices of frames before and after realignment, with the outline of the brain.",
    ),
    "carpet": _Words(
        "Every voxel of the brain over time: how far its part of the brain's activity lies from its usual one. "
        "Voxels are sorted by late uptake. Slow gradients are tracer that binds; edges that cut through all rows at "
        "one moment are motion, and should be gone below. Short first frames are left out.",
        "Two carpets of voxels over time, before and after realignment.",
    ),
    "curves": _Words(
        "Mean activity of regions over time; the reference region in black (with blood: the brain, "
        "which tells its delay), windows shaded. A reference curve should wash out faster than all "
        "others; a late rise suggests binding or spill-in.",
        "Time-activity curves of regions and of the reference region.",
    ),
    "fits": _Words(
        "Measured activity (dots), fitted curves (lines), and residuals. Residuals that run above "
        "or below zero over many frames mean that the model does not describe the region.",
        "Measured and fitted regional curves with residuals.",
    ),
    "logan": _Words(
        "Logan plot of a-priori regions. Integrals run from injection in every window; a window "
        "only chooses the points that its line is fitted to. Hollow points lie before t*. The slope"
        " is DVR, and BP_ND = DVR − 1; with blood it is VT.",
        "Logan plots with one fitted line per window.",
    ),
    "input": _Words(
        "Blood on the clock of the tissue: samples (dots) and the curves that drive the model (lines) "
        "in the first minutes and, on a log scale, over the scan; right, the share of unchanged tracer. "
        "The peak should be sampled on both sides; the curve of the parent fraction should pass through "
        "its samples.",
        "Samples and curves of arterial plasma and whole blood, and the parent fraction.",
    ),
    "regional_estimates": _Words(
        "Estimates by region and window with their standard errors.",
        "Regional estimates with standard errors, one mark per window.",
    ),
    "k2_prime": _Words(
        "How much the estimates depend on the assumed k2'. A steep curve at the dashed line means "
        "that the choice of k2' matters for this region.",
        "Regional estimates against the assumed k2 prime.",
    ),
    "t_star": _Words(
        "Estimates against t*, the first minute that is fitted. The chosen t* should lie where the "
        "curves are flat.",
        "Regional estimates against t star.",
    ),
    "parametric_map": _Words(
        "Voxelwise map over anatomy. Where colours are missing the fit was not identifiable.",
        "Slices of a parametric map over anatomy.",
    ),
    "difference_map": _Words(
        "Baseline minus challenge: red is activation (availability falls), blue deactivation (it "
        "rises). Small differences fade into the anatomy.",
        "Slices of a difference map, activation in red and deactivation in blue.",
    ),
    "protocol": _Words(
        "What this protocol can see, from simulated scans with this scan's own frames, infusion and"
        " windows. Left: the change that the contrast reports when nothing changed; right: the "
        "share of a true change that it recovers.",
        "Protocol calibration: bias without change, and share of a true change that is recovered.",
    ),
    "unknowns": _Words(
        "Change of each a-priori region, beside what it can read when nothing happens (grey): simulated with this "
        "scan's frames, infusion and windows over the true k2', dissociation and mixtures of tissue.",
        "Measured changes by region over the range of readings that need no release.",
    ),
    "glass_brain": _Words(
        "Where the statistic passes what forms clusters, seen through the whole brain: the largest value along each "
        "axis. Slices below show the same map, without a threshold.",
        "Glass brain of the group statistic.",
    ),
    "statistic_map": _Words(
        "Group statistic. What the page claims is outlined in black; weaker colours fade "
        "with the statistic instead of ending at a cliff, so that near misses stay visible.",
        "Slices of a group statistic map with outlined clusters.",
    ),
    "effect_map": _Words(
        "Mean effect in colour, faded by the statistic; outlined where the page claims it.",
        "Slices of a group effect map with outlined clusters.",
    ),
    "forest": _Words(
        "Mean effect in the a-priori regions with confidence intervals. Filled marks are "
        "claimed: their p, corrected for all tests of the page, is at most .05.",
        "Forest plot of effects in a-priori regions.",
    ),
    "strip": _Words(
        "Every participant's value, with the group's mean and 95 % confidence interval.",
        "Values of each participant.",
    ),
    "paired_strip": _Words(
        "Each line is one participant; diamonds are means with 95 % confidence intervals.",
        "Values of each participant before and after, joined by lines.",
    ),
    "peaks": _Words(
        "Three planes through each peak of the table, in MNI mm; outlined where the page claims it.",
        "Axial, coronal and sagittal slices through each peak.",
    ),
    "place": _Words(
        "The statistic at the place, outlined where the page claims it; every participant before and after, joined, "
        "with mean and 95 % interval; and, for a slope, the change against the trait.",
        "Slices through a place, every participant's values joined, and a scatter plot.",
    ),
    "lassen": _Words(
        "Lassen plot: what is displaced over the binding of the reference scan, a point per a-priori region, a line "
        "per participant. The slope is the occupancy; the line of BP_ND should meet the axis at 0.",
        "Displaced against reference binding by region, with a line for each participant.",
    ),
    "correlation": _Words(
        "Each participant's effect against the trait, with the regression line and its 95 % confidence band.",
        "Scatter plot of effect against trait.",
    ),
    "influence": _Words(
        "Left: distance of each participant's map from the mean of the others, against the group's "
        "spread. Right: how far the group's result moves when the participant is left out.",
        "Distance and leave-one-out influence of each participant.",
    ),
    "design": _Words(
        "Design matrix: a row per map, a column per regressor, coloured by value; the contrast's "
        "weights below.",
        "Design matrix with contrast weights.",
    ),
}

_HALF: Final[frozenset[FigureKind]] = frozenset({"correlation", "design", "paired_strip"})

_FLICKERS: Final[dict[FlickerKind, _Words]] = {
    "normalization": _Words(
        "The participant's T1w after normalization, alternating with the template. Ventricles, the "
        "border of grey and white matter and the brain's outline should stay in place while the "
        "image changes.",
        "Normalized T1w and template on the same slices.",
    ),
    "coregistration": _Words(
        "The PET reference image alternating with the T1w, on the same slices, both with the T1w's outlines. Uptake "
        "should fill the brain outline evenly on all sides, and nothing should jump; a rim of uptake outside on one "
        "side is a registration error.",
        "PET reference image and T1w on the same slices, with the outlines of brain and tissue.",
    ),
    "reference_region": _Words(
        _FIGURES["reference_region"].caption, "T1w and PET image on slices through the reference region."
    ),
}


def figure(kind: FigureKind, path: Path, detail: str = "") -> Figure:
    """A figure block with its standing caption; `detail` (such as the window's name) comes before it."""
    words = _FIGURES[kind]
    caption, alt = f"{detail} {words.caption}".strip(), f"{detail} {words.alt}".strip()
    return Figure(path, caption, alt, "half" if kind in _HALF else "full")


def flicker(
    kind: FlickerKind, first: tuple[str, Path], second: tuple[str, Path], detail: str = ""
) -> Flicker:
    """A flicker of two named images with its standing caption."""
    words = _FLICKERS[kind]
    return Flicker(
        first[1],
        second[1],
        first[0],
        second[0],
        f"{detail} {words.caption}".strip(),
        f"{detail} {words.alt}".strip(),
    )
