"""Options of the participant level: kinetics, images, regions."""

from pathlib import Path
from typing import get_args

from morbids.arguments import Option, number, on_or_off, or_word, parsed
from morbids.bids.filters import JOIN_RUNS
from morbids.bids.pooled_efflux import PublishedEfflux, read_pooled
from morbids.bids.windows import parse_window
from morbids.numerics.kinetics.impulses import MOST_BLOOD
from morbids.numerics.kinetics.input_function import MOST_DELAY_S
from morbids.numerics.kinetics.model_names import find_model
from morbids.numerics.kinetics.parent_fraction import PARENT_RULES
from morbids.settings import MIXED_TISSUE, PARTIAL_VOLUME, FrameWeights, parse_output_space

# Of k2': tissue cannot be emptied faster than blood flows through it.
MAX_RATE_PER_MIN = 2.0


def read_rate(text: str) -> float | PublishedEfflux:
    """Read a rate per minute, or a file that holds one of a group."""
    if Path(text).is_file():
        return parsed(read_pooled)(text)
    return number(0, MAX_RATE_PER_MIN, above=True)(text)


KINETICS = (
    Option(
        "--window",
        "windows",
        "a window in minutes from injection; repeat it; the first, or one named baseline, is the baseline. "
        "Default: the rows of events.tsv, else drug fields of the sidecar, else t* to the end",
        parsed(parse_window),
        "NAME=START-END",
        repeated=True,
    ),
    Option(
        "--window-events",
        "window_events",
        "trial_type of those rows of events.tsv that make the windows; default: all that have enough frames",
        metavar="NAME",
        many=True,
    ),
    Option(
        "--model",
        "model",
        "such as LoganRef, MRTM2, SRTM; default: the tracer's preset",
        parsed(find_model),
        "MODEL",
    ),
    Option(
        "--k2prime",
        "k2_prime_per_min",
        "k2' of the reference region per minute, 'estimate', 'none' for a Logan plot without it, or a file of "
        "`python -m morbids.pool_k2prime`, whose group value is combined with the scan's own; default: the tracer's "
        "preset",
        or_word(read_rate, "estimate", "none"),
        "RATE",
    ),
    Option(
        "--t-star",
        "t_star_min",
        "first minute of linear plots and windows, or 'find': from where on the Logan plot is straight; default: "
        "the tracer's preset",
        or_word(number(0), "find"),
        "MIN",
    ),
    Option(
        "--parent-fraction",
        "parent_fraction",
        "with blood: how the share of unchanged tracer in plasma becomes a curve, none takes all of plasma; default "
        "{default}: the nearer of hill and power, else linear",
        choices=PARENT_RULES,
    ),
    Option(
        "--blood-delay",
        "blood_delay_s",
        "seconds to be added to the times of the blood; default {default}, on the curve of the whole brain",
        or_word(number(-MOST_DELAY_S, MOST_DELAY_S), "estimate"),
        "SECONDS",
    ),
    Option(
        "--blood-volume",
        "blood_volume",
        "with blood: its share in tissue, or 'fit'; default: fitted by 1TCM and 2TCM, 0.05 for other models",
        or_word(number(0, MOST_BLOOD), "fit"),
        "SHARE",
    ),
    Option(
        "--weights",
        "weights",
        "weights of the frames in fits: decay = duration x exp(-lambda t); default {default}",
        choices=get_args(FrameWeights),
    ),
)

IMAGES = (
    Option(
        "--output-spaces",
        "output_spaces",
        "spaces for maps beside PET space (native), where they always are: a TemplateFlow identifier or T1w, with "
        "res-1 or res-2; default MNI152NLin2009cAsym:res-2",
        parsed(parse_output_space),
        "SPACE[:res-MM]",
        many=True,
    ),
    Option(
        "--pet-smoothing-fwhm",
        "pet_smoothing_fwhm_mm",
        "smoothing of the frames before voxels are fitted; default {default}",
        number(0),
        "MM",
    ),
    Option(
        "--join-runs",
        "join_runs",
        "join runs of one injection on the time axis: auto when their sidecars tell so; default {default}",
        choices=JOIN_RUNS,
    ),
    Option("--motion", "motion", "correction of head motion, on or off; default on", on_or_off, "on|off"),
)

REFERENCE_STEPS = (
    Option(
        "--reference-erode",
        "erode_mm",
        "depth of the rim that is taken off the reference region, 0 for none; default: the region's own rule",
        number(0, 50, below=True),
        "MM",
    ),
    Option(
        "--reference-gm",
        "gm_threshold",
        "least share of grey matter in a voxel of it, 0 for any tissue; default: the region's own rule",
        number(0, 1, below=True),
        "SHARE",
    ),
    Option(
        "--reference-trim",
        "trim_share",
        "share of its height without slices at the top, and again at the bottom; default: the region's own rule",
        number(0, 0.5, below=True),
        "SHARE",
    ),
    Option(
        "--reference-clean",
        "clean_histogram",
        "drop its voxels of unusual activity, on or off; default: the region's own rule",
        on_or_off,
        "on|off",
    ),
)

REGIONS = (
    Option(
        "--atlas",
        "atlases",
        "regions of curves and tables: AAL, DesikanKilliany, HarvardOxford, a label image with its table, a table "
        "of spheres, or a quoted pattern such as 'seg/sub-*/**/*_dseg.nii.gz' for images of each participant; "
        "several may be given, the first estimates k2'; default AAL",
        metavar="ATLAS",
        many=True,
    ),
    Option(
        "--region-gm",
        "region_gm_threshold",
        "least share of grey matter in a voxel of a cortical region, 0 for whole regions; default {default}",
        number(0, 1, below=True),
        "SHARE",
    ),
    Option(
        "--reference",
        "reference",
        "a preset such as occipital or cerebellar_grey, labels as ATLAS:LABEL,LABEL, or a mask image (a quoted "
        "pattern for one of each participant); default: the tracer's preset",
        metavar="REGION",
    ),
    *REFERENCE_STEPS,
    Option(
        "--pvc",
        "partial_volume",
        "correction for partial volume: gtm corrects the curves of regions (maps stay as they are), rbv every "
        "voxel; the group level reads results of this kind; default {default}",
        choices=PARTIAL_VOLUME,
    ),
    Option(
        "--mixed-tissue",
        "mixed_tissue",
        "white matter and fluid within regions and voxels, where binding changes within a scan: apart takes them out "
        "first and adds what they bind again, together fits curves as they are, auto takes them out where the model "
        "is StepChange2 and the scanner's resolution is known; default {default}",
        choices=MIXED_TISSUE,
    ),
    Option(
        "--psf-fwhm",
        "psf_fwhm_mm",
        "width of the scanner's point spread, one number or three (in the plane twice, along the axis); "
        "default: the scanner's, with the filter of the sidecar",
        number(0, 30, above=True, below=True),
        "MM",
        counts=(1, 3),
    ),
)
