"""What the steps of the group level do, in words for the log and the page.

By the name of the node, or by its beginning where the rest says which: `{}` stands for it.
"""

from collections.abc import Mapping
from types import MappingProxyType

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "name_places": "reading the atlases that name places",
        "stack_maps": "reading and smoothing the maps",
        "permute_": "permuting ({})",
        "infer": "testing every voxel",
        "evidence": "rearranging regions and maps together",
        "picture": "drawing the statistic",
        "picture_regions": "drawing the regions",
        "measure_places": "measuring everyone at each place",
        "picture_places": "drawing the places",
        "picture_design": "drawing the design",
        "influence": "measuring what each map does",
        "read_regions": "reading regional estimates",
        "measure_regions": "averaging regions of the maps",
        "compare_regions": "testing regions",
        "correlate_regions": "correlating regions with traits",
        "correlate_clusters": "correlating claimed clusters with traits",
        "atlas": "reading the atlas",
        "pack_anatomy": "packing anatomy for the interactive brain",
        "pack_maps": "packing maps for the interactive brain",
        "pack_everyone": "packing everyone's maps for the interactive brain",
        "small_volumes": "searching small volumes",
        "two_scans": "comparing two scans of the same people",
    }
)
