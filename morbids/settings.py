"""What the user decides: settings of a level change its results and are saved with them, `Resources` do not."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from morbids.bids.filters import Filters, JoinRuns
from morbids.bids.pooled_efflux import PublishedEfflux
from morbids.bids.windows import Window
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.kinetics.parent_fraction import ParentRule
from morbids.numerics.statistics.methods import METHODS, Inference

MapKind = Literal["difference", "percent", "parameter"]
MAP_KINDS: tuple[MapKind, ...] = get_args(MapKind)


# Batch plugins of nipype that wait for their jobs.
Plugin = Literal["SLURM", "SGE", "PBS", "LSF", "OAR", "Condor"]
PLUGINS: tuple[Plugin, ...] = get_args(Plugin)

# What tells the scans or windows of one participant apart.
Factor = Literal["task", "session", "run", "tracer", "window"]
FACTORS: tuple[Factor, ...] = get_args(Factor)

FrameWeights = Literal["decay", "none"]
Outputs = Literal["minimal", "full"]

PartialVolume = Literal["none", "gtm", "rbv"]
PARTIAL_VOLUME: tuple[PartialVolume, ...] = get_args(PartialVolume)
MixedTissue = Literal["auto", "apart", "together"]
MIXED_TISSUE: tuple[MixedTissue, ...] = get_args(MixedTissue)

PLUGIN_ARGS = (
    'Write {"sbatch_args": "--account=lab --time=60", "max_jobs": 50}, or the path of a file with it.'
)

# Spaces of maps that are no template: the T1w image, and the PET image itself.
T1W_SPACE = "T1w"
NATIVE_SPACE = "native"


@dataclass(frozen=True)
class OutputSpace:
    """A space of maps and the edge of its voxels; PET space keeps the scanner's voxels."""

    space: str
    resolution_mm: int

    @property
    def is_template(self) -> bool:
        """Whether people can be compared in it."""
        return self.space not in (T1W_SPACE, NATIVE_SPACE)

    @property
    def resolution_label(self) -> str:
        """The value of the `res-` entity: the edge in mm."""
        return str(self.resolution_mm)


@dataclass(frozen=True)
class Study:
    """Which scans, where results go, and datasets of other programs whose results take the place of own steps.

    Attributes
    ----------
    outputs
        Whether everything is written, or what the group level and the pages read.
    """

    bids_dir: Path
    output_dir: Path
    filters: Filters
    command_line: str
    derivatives: tuple[Path, ...] = ()
    bids_database_dir: Path | None = None
    outputs: Outputs = "full"


@dataclass(frozen=True)
class ReferenceSteps:
    """How the reference region is cut, where the user decides; `None` leaves the step to the region's own rule.

    Attributes
    ----------
    erode_mm
        Depth of the rim that is taken away.
    gm_threshold
        Least share of grey matter in a voxel.
    trim_share
        Share of the region's height that is taken away at the top, and again at the bottom.
    clean_histogram
        Whether voxels of unusual activity are dropped.
    """

    erode_mm: float | None = None
    gm_threshold: float | None = None
    trim_share: float | None = None
    clean_histogram: bool | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The steps that the user decided on."""
        return {name: value for name, value in vars(self).items() if value is not None}


TEMPLATE_SPACES = (OutputSpace("MNI152NLin2009cAsym", 2),)


@dataclass(frozen=True)
class ScanSettings:
    """Everything that changes a result of the participant level.

    `None` means: take the tracer's preset.
    """

    model: str | None = None
    reference: str | None = None
    reference_steps: ReferenceSteps = ReferenceSteps()
    k2_prime_per_min: float | Literal["estimate", "none"] | PublishedEfflux | None = None
    t_star_min: float | Literal["find"] | None = None
    parent_fraction: ParentRule = "auto"
    blood_delay_s: float | Literal["estimate"] = "estimate"
    blood_volume: float | Literal["fit"] | None = None
    weights: FrameWeights = "decay"
    windows: tuple[Window, ...] = ()
    window_events: tuple[str, ...] = ()
    join_runs: JoinRuns = "auto"
    motion: bool = True
    atlases: tuple[str, ...] = ("AAL",)
    region_gm_threshold: float = 0.5
    partial_volume: PartialVolume = "none"
    psf_fwhm_mm: tuple[float, ...] = ()
    mixed_tissue: MixedTissue = "auto"
    output_spaces: tuple[OutputSpace, ...] = TEMPLATE_SPACES
    pet_smoothing_fwhm_mm: float = 5.0
    mask_threshold: float = 0.2


@dataclass(frozen=True)
class GroupSettings:
    """Everything that changes a result of the group level.

    `model`, `partial_volume` and `output_spaces` say which maps of the participant level are taken.
    """

    model: str | None = None
    partial_volume: PartialVolume = "none"
    output_spaces: tuple[OutputSpace, ...] = TEMPLATE_SPACES
    group_smoothing_fwhm_mm: float = 6.0
    mask_threshold: float = 0.2
    coverage: float = 1.0
    map_kind: MapKind = "difference"
    maps_table: Path | None = None
    measure: str = "BPND"
    excluded: tuple[str, ...] = ()
    keep_flagged: bool = False
    stats_model: Path | None = None
    stats_model_node: str = ""
    expected: tuple[str, ...] = ()
    contrasts: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    group_column: str = ""
    equal_variances: bool = False
    within: tuple[Factor, ...] = ()
    average_runs: bool = False
    covariates: tuple[str, ...] = ()
    inference: tuple[Inference, ...] = tuple(name for name, method in METHODS.items() if method.by_default)
    n_permutations: int = 5000
    cluster_forming_p: float = 0.001
    variance_smoothing_fwhm_mm: float = 0.0
    small_volumes: tuple[str, ...] = ("all",)
    regions: Path | None = None
    random_seed: int = 0


@dataclass(frozen=True)
class Resources:
    """What a run may use; never part of a result.

    Attributes
    ----------
    limits
        In words, who decided on processors and memory.
    plugin, plugin_args
        Where steps run as jobs of a cluster's scheduler, its name and the arguments of nipype's plugin.
    """

    n_procs: int
    omp_n_threads: int
    mem_gb: float
    work_dir: Path
    stop_on_first_crash: bool = False
    clean_workdir: bool = False
    verbosity: int = 0
    limits: str = ""
    plugin: Plugin | None = None
    plugin_args: Mapping[str, Any] = field(default_factory=dict)


def parse_plugin_args(text: str) -> dict[str, Any]:
    """Read arguments of a nipype plugin: a JSON object, or the path of a file with one.

    Raises
    ------
    MorbidsError
        It is neither.
    """
    try:
        given = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MorbidsError(
            f"--plugin-args {text} cannot be read: {error}.", PLUGIN_ARGS, ExitCode.USAGE
        ) from error
    if not isinstance(given, dict):
        raise MorbidsError(f"--plugin-args {text} is no JSON object.", PLUGIN_ARGS, ExitCode.USAGE)
    return given


def parse_output_space(text: str) -> OutputSpace:
    """Read a space with an optional resolution: `MNI152NLin2009cAsym[:res-2]`, `T1w[:res-1]`, `native`.

    Raises
    ------
    MorbidsError
        The text has another form, a resolution other than 1 or 2 mm, or one for PET space.
    """
    match = re.fullmatch(r"([A-Za-z0-9]+)(?::res-0?([12]))?", text)
    if match is None:
        raise MorbidsError(
            f"--output-spaces {text!r} cannot be read.",
            "Write SPACE or SPACE:res-MM with 1 or 2 mm, such as MNI152NLin2009cAsym:res-2.",
            ExitCode.USAGE,
        )
    space = {"t1w": T1W_SPACE, "native": NATIVE_SPACE, "pet": NATIVE_SPACE}.get(match[1].lower(), match[1])
    if space == NATIVE_SPACE and match[2]:
        raise MorbidsError(
            f"--output-spaces {text!r}: maps in PET space have the scanner's voxels.",
            "Write native without a resolution.",
            ExitCode.USAGE,
        )
    return OutputSpace(space, int(match[2] or 2))
