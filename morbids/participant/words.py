"""What the steps of the participant level do, in words for the log and the page.

By the name of the node, or by its beginning where the rest says which atlas or space: `{}` stands for it.
"""

from collections.abc import Mapping
from types import MappingProxyType

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "extract_brain": "finding the brain in the T1w image",
        "take_brain": "checking the brain of the other program",
        "segment_tissue": "segmenting grey matter, white matter and fluid",
        "take_tissue": "checking the tissue of the other program",
        "normalize_": "registering the T1w image to {}",
        "take_": "checking the transforms of the other program to {}",
        "picture_anatomy": "drawing brain and tissue",
        "picture_": "drawing the T1w image in {}",
        "correct_decay": "correcting decay",
        "join_runs": "joining runs",
        "correct_motion": "estimating head motion",
        "take_motion": "applying the head motion of the other program",
        "judge_motion": "judging head motion in the windows",
        "plot_motion": "drawing head motion",
        "picture_frames": "drawing frames before and after realignment",
        "picture_overview": "drawing the scan in one picture",
        "register_to_T1w": "registering PET to the T1w image",
        "take_registration": "checking the registration of the other program",
        "picture_registration": "drawing PET on the T1w image",
        "mask_brain": "bringing the brain mask to PET",
        "cut_reference": "cutting the reference region",
        "picture_reference": "drawing the reference region",
        "reference_curve": "averaging the reference region",
        "judge_reference": "judging the reference region",
        "label_": "bringing the regions of {} to PET",
        "curves_": "averaging the regions of {}",
        "mix_tissue": "finding white matter and fluid in every voxel",
        "draw_parts": "dividing the brain for partial volume",
        "correct_frames": "correcting voxels for partial volume",
        "correct_curves": "correcting regions for partial volume",
        "corrected_reference_curve": "averaging the corrected reference region",
        "corrected_curves_": "averaging the corrected regions of {}",
        "settle_plan": "settling k2' and t*",
        "fit_regions_": "fitting the regions of {}",
        "fit_maps": "fitting every voxel",
        "second_fit_regions_": "fitting the regions of {} with the second model",
        "second_fit_maps": "fitting every voxel with the second model",
        "second_bring_to_": "bringing the maps of the second model to {} mm",
        "second_grid_": "laying the grid of {} mm for the second model",
        "bring_to_": "bringing the maps to {} mm",
        "grid_": "laying the grid of {} mm",
        "plot_curves": "drawing curves",
        "plot_logan": "drawing the Logan plot",
        "plot_input": "drawing the input function",
        "plot_k2prime": "drawing what k2' does",
        "plot_tstar": "drawing what t* does",
        "plot_estimates": "drawing estimates",
        "plot_fits": "drawing fits",
        "picture_maps": "drawing maps",
        "range_regions": "simulating what regions can read without a release",
        "calibrate_protocol": "simulating what the protocol can see",
    }
)
