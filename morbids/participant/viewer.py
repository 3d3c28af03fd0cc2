"""The interactive brain of a participant's page: maps in the PET image's own voxels, on the T1w image."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from morbids.bids.names import difference_label, output_path
from morbids.bids.tables import read_table
from morbids.bids.windows import window_entities
from morbids.imaging.images import read_image
from morbids.numerics.kinetics.models import MODELS
from morbids.participant.plan import ScanPlan
from morbids.reports.pages import Block, Viewer
from morbids.reports.volumes import Layer, grid_of, pack_layers
from morbids.settings import Study

# The atlas whose labels are told at the crosshair.
ATLAS = "AAL"
CAPTION = (
    "The scan's own voxels over the PET reference image; mm are the scanner's. Press or drag in a slice, or use the "
    "arrow keys. Numbers are those of the nearest voxel, in 127 steps."
)


def report_viewer(plan: ScanPlan, study: Study) -> Iterator[Block]:
    """Pack the maps that are on disk; nothing where there are none."""
    layers = list(_layers(plan, study))
    anatomy, mask = (_path(plan, study, role) for role in ("petref", "pet_brain_mask"))
    if not (layers and anatomy.exists() and mask.exists()):
        return
    brain = read_image(mask)
    grid = grid_of(brain, brain.values > 0.5)
    below = [Layer("anatomy", anatomy, "anatomy"), *_atlas(plan, study)]
    out = output_path(study.output_dir, plan.scan.entities, "pet_pack", {"desc": "maps"})
    yield Viewer((pack_layers([*below, *layers], grid, out, _names(plan, study)),), CAPTION)


def _layers(plan: ScanPlan, study: Study) -> Iterator[Layer]:
    main = MODELS[plan.kinetics.model].parameters[0]
    symbol = main.replace("BPND", "BP_ND")
    for pair in plan.kinetics.pairs:
        names = pair.baseline.name, pair.challenge.name
        for path in _maps(plan, study, main, {"desc": difference_label(*names)}):
            yield Layer(f"{symbol}: {names[0]} minus {names[1]}", path, "signed")
    for window in plan.kinetics.windows:
        for path in _maps(plan, study, main, window_entities(window)):
            yield Layer(f"{symbol}: {window.name}", path, "positive")


def _maps(plan: ScanPlan, study: Study, parameter: str, entities: Mapping[str, str]) -> Iterator[Path]:
    """The map in PET space, with or without correction for partial volume; nothing where there is none."""
    named = {"model": plan.kinetics.model, "meas": parameter, **entities}
    for more in ({}, {"pvc": "RBV"}):
        path = _path(plan, study, "parametric_map", **named, **more)
        if path.exists():
            yield path
            return


def _atlas(plan: ScanPlan, study: Study) -> Iterator[Layer]:
    path = _path(plan, study, "pet_dseg", seg=ATLAS)
    if path.exists():
        yield Layer("atlas", path, "labels")


def _names(plan: ScanPlan, study: Study) -> dict[int, str]:
    path = _path(plan, study, "pet_dseg_table", seg=ATLAS)
    if not path.exists():
        return {}
    rows = read_table(path, ("index", "name")).to_dict("records")
    return {int(row["index"]): str(row["name"]).replace("_", " ") for row in rows}


def _path(plan: ScanPlan, study: Study, role: str, **entities: str) -> Path:
    return output_path(study.output_dir, plan.scan.entities, role, entities)
