"""Options of regions, the reference region and partial volume, and how they become settings."""

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from morbids.settings import PARTIAL_VOLUME, ReferenceSteps, Settings


def add_region_options(group: "argparse._ArgumentGroup") -> None:
    """Add every option of regions."""
    _add_atlases(group)
    _add_reference(group)
    _add_partial_volume(group)


def _add_atlases(group: "argparse._ArgumentGroup") -> None:
    defaults = Settings()
    group.add_argument(
        "--atlas",
        nargs="+",
        default=list(defaults.atlases),
        metavar="ATLAS",
        help="regions of curves and tables: AAL, HarvardOxford, a label image with its table, a table of spheres, or "
        "a quoted pattern such as 'seg/sub-*/**/*_dseg.nii.gz' for images of each participant; several may be given, "
        "the first estimates k2'; default AAL",
    )
    group.add_argument(
        "--region-gm",
        type=_share_below(1.0),
        default=defaults.region_gm_threshold,
        metavar="SHARE",
        help="least share of grey matter in a voxel of a cortical region, 0 for whole regions; default %(default)s",
    )


def _add_reference(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--reference",
        metavar="REGION",
        help="a preset such as occipital or cerebellar_grey, labels as ATLAS:LABEL,LABEL, or a mask image (a quoted "
        "pattern for one of each participant); default: the tracer's preset",
    )
    group.add_argument(
        "--reference-erode",
        type=_share_below(50.0),
        metavar="MM",
        help="depth of the rim that is taken off the reference region, 0 for none; default: the region's own rule",
    )
    group.add_argument(
        "--reference-gm",
        type=_share_below(1.0),
        metavar="SHARE",
        help="least share of grey matter in a voxel of it, 0 for any tissue; default: the region's own rule",
    )
    group.add_argument(
        "--reference-trim",
        type=_share_below(0.5),
        metavar="SHARE",
        help="share of its height without slices at the top, and again at the bottom; default: the region's own rule",
    )
    group.add_argument(
        "--reference-clean",
        choices=("on", "off"),
        help="drop its voxels of unusual activity; default: the region's own rule",
    )


def _add_partial_volume(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--pvc",
        choices=PARTIAL_VOLUME,
        default=Settings().partial_volume,
        help="correction for partial volume: gtm corrects the curves of regions (maps stay as they are), rbv every "
        "voxel; the group level reads results of this kind; default %(default)s",
    )
    group.add_argument(
        "--psf-fwhm",
        nargs="+",
        type=_width,
        default=[],
        action=_OneOrThree,
        metavar="MM",
        help="width of the scanner's point spread, one number or three (in the plane twice, along the axis); "
        "default: the scanner's, with the filter of the sidecar",
    )


class _OneOrThree(argparse.Action):
    """Take one number or three."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        _option: str | None = None,
    ) -> None:
        if len(values) not in (1, 3):
            raise argparse.ArgumentError(self, f"takes one number or three, not {len(values)}")
        setattr(namespace, self.dest, values)


def add_region_settings(settings: Settings, options: argparse.Namespace) -> Settings:
    """Put what the options of regions say into settings."""
    steps = ReferenceSteps(
        erode_mm=options.reference_erode,
        gm_threshold=options.reference_gm,
        trim_share=options.reference_trim,
        clean_histogram=None if options.reference_clean is None else options.reference_clean == "on",
    )
    return replace(
        settings,
        atlases=tuple(dict.fromkeys(options.atlas)),
        region_gm_threshold=options.region_gm,
        reference=options.reference,
        reference_steps=steps,
        partial_volume=options.pvc,
        psf_fwhm_mm=tuple(options.psf_fwhm),
    )


def _share_below(highest: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not 0 <= value < highest:
            raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and {highest:g}")
        return value

    read.__name__ = "number"
    return read


def _width(text: str) -> float:
    value = float(text)
    if not 0 < value < 30:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 30")
    return value
