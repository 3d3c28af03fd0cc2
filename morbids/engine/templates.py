"""The nodes that provide templates to both levels."""

from pathlib import Path

from nipype import Node

from morbids.engine.nodes import make_node
from morbids.imaging.templates import find_template
from morbids.settings import OutputSpace, Resources


def templates_dir(resources: Resources) -> Path:
    """Folder of the templates that were found."""
    return resources.work_dir / "templates"


def atlases_dir(resources: Resources) -> Path:
    """Folder of the atlases on the grids of templates."""
    return resources.work_dir / "atlases"


def make_template_node(output: OutputSpace, resources: Resources) -> Node:
    """Build the node that provides one template at one resolution."""
    constants = {
        "space": output.space,
        "resolution_mm": output.resolution_mm,
        "cache_dir": templates_dir(resources),
    }
    return make_node(
        find_template, f"template_{output.space}_{output.resolution_label}", constants, mem_gb=0.6
    )
