"""Options of the group level, and how they become settings."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from morbids.settings import INFERENCES, MAP_KINDS, Settings


def add_group_options(group: "argparse._ArgumentGroup") -> None:
    """Add every option of the group level."""
    _add_rows(group)
    _add_designs(group)
    _add_inference(group)


def _add_rows(group: "argparse._ArgumentGroup") -> None:
    """Which maps, and what is done to them."""
    defaults = Settings()
    group.add_argument(
        "--maps",
        choices=MAP_KINDS,
        default=defaults.map_kind,
        help="differences of windows (parameters where there are none), differences in percent, or the "
        "parameters themselves; default %(default)s",
    )
    group.add_argument(
        "--measure", default=defaults.measure, help="the meas- of the maps; default %(default)s"
    )
    group.add_argument(
        "--exclude", nargs="+", default=[], metavar="LABEL",
        help="scans or participants to leave out, such as sub-03 or sub-04_task-rest",
    )  # fmt: skip
    group.add_argument(
        "--keep-flagged", action="store_true", help="also take scans whose quality table has a concern"
    )
    group.add_argument(
        "--smoothing-fwhm", type=_at_least(0), default=defaults.group_smoothing_fwhm_mm, metavar="MM",
        help="smoothing of maps before tests; default %(default)s",
    )  # fmt: skip
    group.add_argument(
        "--mask-threshold", type=float, default=defaults.mask_threshold, metavar="BP",
        help="test voxels whose mean baseline is at least this; default %(default)s",
    )  # fmt: skip


def _add_designs(group: "argparse._ArgumentGroup") -> None:
    """What is asked."""
    group.add_argument(
        "--stats-model",
        type=Path,
        metavar="FILE",
        help="a BIDS Stats Model instead of the built-in questions",
    )
    group.add_argument(
        "--contrast", nargs="+", default=[], metavar="NAME",
        help="only these contrasts, by the value of contrast- in their files; * and ? stand for any characters",
    )  # fmt: skip
    group.add_argument(
        "--trait", nargs="+", default=[], metavar="COLUMN",
        help="columns of participants.tsv, sessions.tsv or phenotype/*.tsv to regress maps on, and to correlate "
        "regions with",
    )  # fmt: skip
    group.add_argument(
        "--group-column",
        default="",
        metavar="COLUMN",
        help="a column with two values: compare these two groups",
    )
    group.add_argument(
        "--equal-variances",
        action="store_true",
        help="compare groups with a pooled variance, not with Welch's",
    )
    group.add_argument(
        "--covariate", nargs="+", default=[], metavar="COLUMN",
        help="columns of no interest in every design, numbers or text",
    )  # fmt: skip


def _add_inference(group: "argparse._ArgumentGroup") -> None:
    """How the tests are judged."""
    defaults = Settings()
    group.add_argument(
        "--inference", nargs="+", choices=INFERENCES, default=list(defaults.inference),
        help="corrections for many voxels; default all but tfce, which takes longest",
    )  # fmt: skip
    group.add_argument(
        "--n-permutations", type=_count, default=defaults.n_permutations, metavar="N",
        help="sign flips or orders; all there are when fewer, and for max-t up to 131072; default %(default)s",
    )  # fmt: skip
    group.add_argument(
        "--cluster-forming-p", type=_probability, default=defaults.cluster_forming_p, metavar="P",
        help="uncorrected two-tailed p that forms clusters; default %(default)s",
    )  # fmt: skip
    group.add_argument(
        "--variance-smoothing", type=_at_least(0), default=defaults.variance_smoothing_fwhm_mm, metavar="MM",
        help="pseudo-t: smooth the residual variance by this width; default %(default)s, Student's t",
    )  # fmt: skip
    group.add_argument(
        "--small-volume", nargs="+", default=list(defaults.small_volumes), metavar="NAME",
        help="a-priori regions to search on their own, by name, or mask images; default all; none for none",
    )  # fmt: skip
    group.add_argument(
        "--regions", type=Path, metavar="TABLE",
        help="spheres of your own (TSV: name, x, y, z, radius_mm) instead of the a-priori ones",
    )  # fmt: skip
    group.add_argument("--random-seed", type=_seed, default=defaults.random_seed, help="default %(default)s")


def add_group_settings(settings: Settings, options: argparse.Namespace) -> Settings:
    """Put the options of the group level into the settings."""
    return replace(
        settings,
        group_smoothing_fwhm_mm=options.smoothing_fwhm,
        mask_threshold=options.mask_threshold,
        map_kind=options.maps,
        measure=options.measure,
        excluded=tuple(options.exclude),
        keep_flagged=options.keep_flagged,
        stats_model=options.stats_model,
        contrasts=tuple(options.contrast),
        traits=tuple(dict.fromkeys(options.trait)),
        group_column=options.group_column,
        equal_variances=options.equal_variances,
        covariates=tuple(dict.fromkeys(options.covariate)),
        inference=tuple(dict.fromkeys(options.inference)),
        n_permutations=options.n_permutations,
        cluster_forming_p=options.cluster_forming_p,
        variance_smoothing_fwhm_mm=options.variance_smoothing,
        small_volumes=tuple(dict.fromkeys(options.small_volume)),
        regions=options.regions,
        random_seed=options.random_seed,
    )


def _at_least(lowest: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not lowest <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not a number of at least {lowest:g}")
        return value

    read.__name__ = "number"
    return read


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 1")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 0")
    return value


def _probability(text: str) -> float:
    value = float(text)
    if not 0 < value < 0.5:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 0.5")
    return value
