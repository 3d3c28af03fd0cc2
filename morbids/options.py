"""The command line: each option once, with the field that it fills, how its text is read, and its help.

An option fills the field of its name in `ScanSettings`, `GroupSettings` or `Resources`, in both levels' settings where
both have it; those of `STUDY` say which images. An option that is not given leaves the field's default.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args

from morbids.arguments import Option, Parser, Version, number, on_or_off, or_word, parsed, whole
from morbids.bids.filters import JOIN_RUNS, Filters
from morbids.bids.windows import parse_window
from morbids.errors import ExitCode, MorbidsError
from morbids.limits import Limit, memory_gb, processors
from morbids.numerics.kinetics.model_names import find_model
from morbids.numerics.statistics.methods import METHODS
from morbids.settings import (
    MAP_KINDS,
    PARTIAL_VOLUME,
    FrameWeights,
    GroupSettings,
    ReferenceSteps,
    Resources,
    ScanSettings,
    Study,
    parse_output_space,
)

Value = TypeVar("Value")
Level = Literal["participant", "group"]
LEVELS: tuple[Level, ...] = get_args(Level)
SETTINGS: Mapping[Level, type[ScanSettings] | type[GroupSettings]] = MappingProxyType(
    {"participant": ScanSettings, "group": GroupSettings}
)

DESCRIPTION = """\
From a PET-BIDS dataset to group-level inference on receptor availability.

participant: head motion, registration, reference region, kinetic models in every window, maps, a page.
group:       maps of all participants, tests of every voxel and region, tables with atlas labels, a page."""

EPILOG = """\
exit codes: 0 all done, 1 something failed (the page and the last lines say what), 16 input is not valid BIDS,
18 the filters select nothing, 64 usage, 65 bad data, 66 no input, 73 cannot write.

example: run.py /data /out participant --participant-label 01 02 --window baseline=10-40"""

# Of k2': tissue cannot be emptied faster than blood flows through it.
MAX_RATE_PER_MIN = 2.0


STUDY = (
    *(
        Option(
            f"--{name}-label",
            f"{name}_labels",
            f"only these {name} labels, with or without their prefix",
            metavar="LABEL",
            many=True,
        )
        for name in ("participant", "session", "task", "tracer", "run")
    ),
    Option(
        "--bids-filter-file",
        "bids_filter_file",
        'entities that select images, such as {"pet": {"run": "1"}, "t1w": {"session": "mri"}}',
        Path,
        "JSON",
    ),
    Option(
        "--derivatives",
        "derivatives",
        "datasets of other programs (fMRIPrep, sMRIPrep, PETPrep, an earlier morbids): participant level, their "
        "anatomy, head motion and registration take the place of own steps; group level, their maps are read",
        Path,
        "DIR",
        many=True,
    ),
    Option(
        "--bids-database-dir",
        "bids_database_dir",
        "index of the dataset by pybids: read if it is there, else made; jobs may share it. Make a new one when "
        "files are added",
        Path,
        "DIR",
    ),
    Option(
        "--skip-bids-validation",
        "skip_bids_validation",
        "do not check the input with the BIDS validator",
        flag=True,
    ),
)

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
        "k2' of the reference region per minute, 'estimate', or 'none' for a Logan plot without it; default: the "
        "tracer's preset",
        or_word(number(0, MAX_RATE_PER_MIN, above=True), "estimate", "none"),
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
        "--psf-fwhm",
        "psf_fwhm_mm",
        "width of the scanner's point spread, one number or three (in the plane twice, along the axis); "
        "default: the scanner's, with the filter of the sidecar",
        number(0, 30, above=True, below=True),
        "MM",
        counts=(1, 3),
    ),
)

GROUP = (
    Option(
        "--maps",
        "map_kind",
        "differences of windows (parameters where there are none), differences in percent, or the parameters "
        "themselves; default {default}",
        choices=MAP_KINDS,
    ),
    Option("--measure", "measure", "the meas- of the maps; default {default}", metavar="MEASURE"),
    Option(
        "--exclude",
        "excluded",
        "scans or participants to leave out, such as sub-03 or sub-04_task-rest",
        metavar="LABEL",
        many=True,
    ),
    Option("--keep-flagged", "keep_flagged", "also take scans whose quality table has a concern", flag=True),
    Option(
        "--smoothing-fwhm",
        "group_smoothing_fwhm_mm",
        "smoothing of maps before tests; default {default}",
        number(0),
        "MM",
    ),
    Option(
        "--mask-threshold",
        "mask_threshold",
        "least binding at baseline: of voxels with a change in percent, and (mean of all) of voxels that are tested; "
        "default {default}",
        number(),
        "BP",
    ),
    Option(
        "--coverage",
        "coverage",
        "share of the maps that must know a voxel for it to be tested, by those that do; default {default}, all",
        number(0, 1, above=True),
        "SHARE",
    ),
    Option(
        "--stats-model", "stats_model", "a BIDS Stats Model instead of the built-in questions", Path, "FILE"
    ),
    Option(
        "--contrast",
        "contrasts",
        "only these contrasts, by the value of contrast- in their files; * and ? stand for any characters",
        metavar="NAME",
        many=True,
    ),
    Option(
        "--trait",
        "traits",
        "columns of participants.tsv, sessions.tsv or phenotype/*.tsv to regress maps and regions on; TASK:COLUMN "
        "tests one in the scans of that task, session or challenge only",
        metavar="[TASK:]COLUMN",
        many=True,
    ),
    Option(
        "--expect",
        "expected",
        "activation or deactivation: the direction of change that was expected before looking, which makes these "
        "claims one-tailed; TASK:DIRECTION for one task",
        metavar="[TASK:]DIRECTION",
        many=True,
    ),
    Option(
        "--group-column",
        "group_column",
        "a column with two values: compare these two groups",
        metavar="COLUMN",
    ),
    Option(
        "--equal-variances",
        "equal_variances",
        "compare groups with a pooled variance, not with Welch's",
        flag=True,
    ),
    Option(
        "--covariate",
        "covariates",
        "columns of no interest in every design, numbers or text",
        metavar="COLUMN",
        many=True,
    ),
    Option(
        "--inference",
        "inference",
        "corrections for many voxels; default all but tfce, which takes longest",
        choices=tuple(METHODS),
        many=True,
    ),
    Option(
        "--n-permutations",
        "n_permutations",
        "sign flips or orders; all there are when fewer, and for max-t up to 131072; default {default}",
        whole(1),
        "N",
    ),
    Option(
        "--cluster-forming-p",
        "cluster_forming_p",
        "uncorrected two-tailed p that forms clusters; default {default}",
        number(0, 0.5, above=True, below=True),
        "P",
    ),
    Option(
        "--variance-smoothing",
        "variance_smoothing_fwhm_mm",
        "pseudo-t: smooth the residual variance by this width; default {default}, Student's t",
        number(0),
        "MM",
    ),
    Option(
        "--small-volume",
        "small_volumes",
        "a-priori regions to search on their own, by name, or mask images; default all; none for none",
        metavar="NAME",
        many=True,
    ),
    Option(
        "--regions",
        "regions",
        "spheres of your own (TSV: name, x, y, z, radius_mm) instead of the a-priori ones",
        Path,
        "TABLE",
    ),
    Option("--random-seed", "random_seed", "default {default}", whole(0), "N"),
)

EXECUTION = (
    Option(
        "--work-dir",
        "work_dir",
        "intermediate files; default OUTPUT_DIR/.work",
        Path,
        "DIR",
        short="-w",
    ),
    Option("--nprocs", "n_procs", "processors; default all that there are", whole(1), "N"),
    Option(
        "--omp-nthreads",
        "omp_n_threads",
        "threads of one step; default: half of --nprocs, from 1 to 8",
        whole(1),
        "N",
    ),
    Option(
        "--mem-gb",
        "mem_gb",
        "memory that steps share; default: nine tenths of what there is",
        number(0.1),
        "GB",
    ),
    Option(
        "--dry-run",
        "dry_run",
        "participant level: say what would be done with every scan and everything that stands in the way; compute and "
        "write nothing",
        flag=True,
    ),
    Option("--json", "json", "--dry-run as JSON, for programs", flag=True),
    Option("--stop-on-first-crash", "stop_on_first_crash", "do not finish the other scans", flag=True),
    Option(
        "--clean-workdir",
        "clean_workdir",
        "remove the intermediate files of each scan (group level: contrast) once all of it has ended well; the same "
        "command then computes it anew",
        flag=True,
    ),
)

# Titles as the help shows them.
GROUPS: Mapping[str, tuple[Option, ...]] = MappingProxyType(
    {
        "which scans": STUDY,
        "kinetics (change results)": KINETICS,
        "images (change results)": IMAGES,
        "regions (change results)": REGIONS,
        "group level (change results)": GROUP,
        "how to run (results stay the same)": EXECUTION,
    }
)


def build_parser() -> Parser:
    """Every option, grouped by what it changes."""
    parser = Parser(
        prog="morbids",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bids_dir", type=Path, help="the PET-BIDS dataset; never written to")
    parser.add_argument("output_dir", type=Path, help="the derivative dataset; made if it is not there")
    parser.add_argument("analysis_level", choices=LEVELS, help="what to run")
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    groups = {title: parser.add_argument_group(title) for title in GROUPS}
    defaults = dict(field for level in LEVELS for field in _fields_of(level))
    for title, options in GROUPS.items():
        for option in options:
            option.add_to(groups[title], defaults.get(option.field))
    groups["how to run (results stay the same)"].add_argument(
        "-v",
        "--verbose",
        action="count",
        dest="verbosity",
        default=argparse.SUPPRESS,
        help="more log lines; repeat for more",
    )
    return parser


def read_settings(options: argparse.Namespace) -> ScanSettings | GroupSettings:
    """Everything in the arguments that changes a result of the level that runs.

    Raises
    ------
    MorbidsError
        An option belongs to the other level.
    """
    level: Level = options.analysis_level
    _refuse_foreign(options, level)
    given = {name: _frozen(value) for name, value in vars(options).items()}
    steps = ReferenceSteps(**{option.field: given.get(option.field) for option in REFERENCE_STEPS})
    kind: Callable[..., ScanSettings | GroupSettings] = SETTINGS[level]
    return _fill(kind, given | {"reference_steps": steps})


def read_resources(options: argparse.Namespace) -> Resources:
    """What the run may use.

    Raises
    ------
    MorbidsError
        One step would take more threads than there are processors.
    """
    given = vars(options)
    procs = Limit(given["n_procs"], "--nprocs") if "n_procs" in given else processors()
    memory = Limit(given["mem_gb"], "--mem-gb") if "mem_gb" in given else memory_gb()
    n_procs = int(procs.value)
    if given.get("omp_n_threads", 1) > n_procs:
        raise MorbidsError(
            f"--omp-nthreads {given['omp_n_threads']} is more than --nprocs {n_procs}.",
            "A step cannot use more threads than the whole run has processors.",
            ExitCode.USAGE,
        )
    defaults = {
        "n_procs": n_procs,
        # A T1w image and a scan, or two scans, can always be worked on side by side: half of the processors
        # for each is quicker than all of them for one after the other.
        "omp_n_threads": min(max(n_procs // 2, 1), 8),
        # The rest is for the scheduler itself, and for what steps take beyond what they declare.
        "mem_gb": 0.9 * memory.value,
        "work_dir": options.output_dir / ".work",
    }
    limits = f"{n_procs} processors ({procs.source}), {memory.value:.1f} GB of memory ({memory.source})"
    chosen = defaults | given | {"limits": limits}
    return _fill(Resources, chosen | {"work_dir": chosen["work_dir"].absolute()})


def read_dry(options: argparse.Namespace) -> bool:
    """Whether nothing shall be computed.

    Raises
    ------
    MorbidsError
        JSON is asked for, and no dry run.
    """
    dry = hasattr(options, "dry_run")
    if hasattr(options, "json") and not dry:
        raise MorbidsError("--json is a form of --dry-run.", "Give both, or neither.", ExitCode.USAGE)
    return dry


def read_study(options: argparse.Namespace, arguments: Sequence[str]) -> Study:
    """Which scans, and where results go; `arguments` as they were typed, for provenance."""
    given = vars(options)
    database = given.get("bids_database_dir")
    return Study(
        options.bids_dir.absolute(),
        options.output_dir.absolute(),
        _fill(Filters, given),
        shlex.join([Path(sys.argv[0]).name, *arguments]),
        tuple(folder.absolute() for folder in given.get("derivatives", ())),
        database.absolute() if database else None,
    )


def _fill(kind: Callable[..., Value], given: Mapping[str, Any]) -> Value:
    """A dataclass from those of the given values that it has."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in given.items() if name in names})


def _refuse_foreign(options: argparse.Namespace, level: Level) -> None:
    """Refuse an option that the level would not read."""
    own = {name for name, _ in _fields_of(level)}
    others = {name for other in LEVELS if other != level for name, _ in _fields_of(other)} - own
    for option in (option for group in GROUPS.values() for option in group):
        if option.field in others and option.field in vars(options):
            raise MorbidsError(
                f"{option.name} is not an option of the {level} level: what it changes is decided at the other one.",
                "Leave it out.",
                ExitCode.USAGE,
            )


def _fields_of(level: Level) -> Iterator[tuple[str, Any]]:
    """Names and defaults of what the options of a level fill."""
    for field in fields(SETTINGS[level]):
        if field.name == "reference_steps":
            yield from ((step.name, step.default) for step in fields(ReferenceSteps))
        else:
            yield field.name, field.default


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
