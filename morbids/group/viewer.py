"""The interactive brain of the group page: the packs that it loads, as parts of the graph of pictures."""

from nipype import Node, Workflow

from morbids.bids.names import stat_label
from morbids.engine.nodes import connect_across, make_node
from morbids.engine.saving import Output, make_save_node
from morbids.engine.templates import atlases_dir
from morbids.group.everyone import Everyone
from morbids.group.locate import Found
from morbids.group.outputs import GroupOutputs
from morbids.group.steps.viewer import pack_anatomy, pack_contrast, pack_everyone
from morbids.imaging.atlases import choose_atlas, load_atlas
from morbids.numerics.statistics.methods import METHODS
from morbids.settings import Resources

# The atlas whose labels are told at the crosshair.
ATLAS = "AAL"


def add_anatomy(whole: Workflow, template: Node, outputs: GroupOutputs, resources: Resources) -> None:
    """Pack the template and the atlas, once for the page."""
    workflow = Workflow("viewer")
    loading = {"atlas": choose_atlas(ATLAS), "cache_dir": atlases_dir(resources)}
    atlas, pack = make_node(load_atlas, "atlas", loading), make_node(pack_anatomy, "pack_anatomy", {})
    workflow.connect([(atlas, pack, [(name, name) for name in ("dseg", "table")])])
    connect_across(whole, template, workflow, pack, [("brain", "brain"), ("mask", "mask")])
    _save(workflow, pack, outputs, outputs.anatomy_pack)


def add_contrast(workflow: Workflow, outputs: GroupOutputs, found: Found) -> None:
    """Pack the maps of one contrast."""
    statistic = str(found.summary["Statistic"])
    drawn = stat_label(statistic)
    corrected = METHODS[outputs.inference[0]].stat
    names = {
        drawn: statistic,
        "effect": outputs.comparison.quantity,
        "r2": "share of variance",
        corrected: "p corrected in this contrast",
    }
    # Where there is an effect, the share of variance says no more than t.
    there = {name: shown for name, shown in names.items() if name in found.maps}
    names = {name: shown for name, shown in there.items() if name != "r2" or "effect" not in there}
    constants = {
        "maps": {name: found.maps[name] for name in names},
        "mask": found.mask,
        "claimed": outputs.path("claimed_mask"),
        "corrected": corrected,
        "forming": float(found.summary["ClusterFormingHeight"]),
        "names": names,
        "binding": outputs.comparison.binding,
    }
    _save(workflow, make_node(pack_contrast, "pack_maps", constants, mem_gb=0.8), outputs, outputs.maps_pack)


def add_everyone(workflow: Workflow, outputs: GroupOutputs, found: Found, everyone: Everyone) -> None:
    """Pack everyone's maps."""
    constants = {"people": everyone.maps, "quantity": everyone.quantity, "mask": found.mask}
    pack = make_node(pack_everyone, "pack_everyone", constants, mem_gb=0.8)
    _save(workflow, pack, outputs, outputs.everyone_pack(everyone.name))


def _save(workflow: Workflow, pack: Node, outputs: GroupOutputs, output: Output) -> None:
    save = make_save_node(f"save_{pack.name}", outputs.study.output_dir, {}, {"pack": output})
    workflow.connect([(pack, save, [("pack", "pack")])])
