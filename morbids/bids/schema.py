"""The BIDS schema with the draft rules that morbids' outputs follow (BEP023, transforms).

With it the validator really checks draft names, entity order and sidecars; else it would ignore the files.
It needs bidsschematools, which only development needs to have.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from morbids.bids.names import DRAFT_ENTITIES, ENTITY_ORDER

# Exactly this spelling, quotes included: the validator finds rules of derivatives by it.
_DERIVATIVE = 'dataset.dataset_description.DatasetType == "derivative"'
# Names of the schema for entities that names write short.
_SCAN_ENTITIES = ("subject", "session", "task", "tracer", "reconstruction", "run")
_DESCRIPTIONS = {
    "from": "Space of the images that a transform resamples",
    "to": "Space that a transform resamples images onto",
    "mode": "What a transform applies to",
    "pvc": "Method of partial volume correction",
    "model": "Kinetic model",
    "meas": "Parameter that a map holds",
    "contrast": "Contrast of a group model",
    "stat": "Statistic that a group map holds",
}


class DraftFile(NamedTuple):
    """A file rule of the draft: what a suffix may be called."""

    suffix: str
    extensions: tuple[str, ...]
    datatypes: tuple[str, ...]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


_IMAGE = (".nii.gz", ".nii", ".json")
_TABLE = (".tsv", ".json")
_SPACE = ("space", "resolution", "description")
DRAFT_FILES = (
    DraftFile("pet", _IMAGE, ("pet",), ("pvc", "description")),
    DraftFile("petref", _IMAGE, ("pet",), optional=_SPACE),
    DraftFile("mask", _IMAGE, ("pet",), optional=(*_SPACE, "label")),
    DraftFile("dseg", (*_IMAGE, ".tsv"), ("pet",), optional=(*_SPACE, "segmentation")),
    DraftFile("timeseries", _TABLE, ("pet",), ("description",)),
    DraftFile("metrics", _TABLE, ("pet",), ("description",)),
    DraftFile("xfm", (".txt", ".h5", ".json"), ("anat", "pet"), ("from", "to", "mode")),
    DraftFile("tacs", _TABLE, ("pet",), ("description",), ("segmentation", "label", "pvc")),
    DraftFile("kinpar", _TABLE, ("pet",), ("model",), ("segmentation", "pvc", "description")),
    DraftFile("mimap", _IMAGE, ("pet",), ("model", "meas"), (*_SPACE, "pvc")),
)
# Sidecar fields that BEP023 asks of parameters, by suffix.
DRAFT_FIELDS = {
    "mimap": (
        "ModelName",
        "ReferenceRegion",
        "InputValues",
        "InputValuesLabels",
        "InputValuesUnits",
        "Units",
    ),
    "kinpar": ("ModelName", "ReferenceRegion", "InputValues", "InputValuesLabels", "InputValuesUnits"),
    "tacs": ("Units",),
}


def extended_schema() -> dict[str, Any]:
    """Return the released schema with the draft's entities, suffixes, file rules and sidecar fields."""
    from bidsschematools.schema import load_schema

    schema: dict[str, Any] = load_schema().to_dict()
    _add_entities(schema)
    for number, file in enumerate(DRAFT_FILES):
        _add_file(schema, f"draft_{number}_{file.suffix}", file)
    for suffix, fields in DRAFT_FIELDS.items():
        _add_fields(schema, suffix, fields)
    return schema


def write_extended_schema(path: Path) -> None:
    """Write the extended schema for `bids-validator-deno --schema file://...`."""
    path.write_text(json.dumps(extended_schema()), encoding="utf-8")


def _add_entities(schema: dict[str, Any]) -> None:
    """Define the draft entities and put them where names have them."""
    entities = schema["objects"]["entities"]
    short = {definition["name"]: key for key, definition in entities.items()}
    for name in DRAFT_ENTITIES:
        entities[name] = {
            "name": name,
            "display_name": name.capitalize(),
            "description": _DESCRIPTIONS[name],
            "type": "string",
            "format": "label",
        }
        short[name] = name
    schema["rules"]["entities"] = [short[name] for name in ENTITY_ORDER if name in short]


def _add_file(schema: dict[str, Any], name: str, file: DraftFile) -> None:
    schema["objects"]["suffixes"].setdefault(
        file.suffix, {"value": file.suffix, "display_name": file.suffix, "description": file.suffix}
    )
    participants = {"subject": "required"} | dict.fromkeys(_SCAN_ENTITIES[1:], "optional")
    if "anat" in file.datatypes:
        participants |= dict.fromkeys(("acquisition", "ceagent"), "optional")
    schema["rules"]["files"]["deriv"]["imaging"][name] = {
        "suffixes": [file.suffix],
        "extensions": list(file.extensions),
        "datatypes": list(file.datatypes),
        "entities": participants
        | dict.fromkeys(file.required, "required")
        | dict.fromkeys(file.optional, "optional"),
        "selectors": [_DERIVATIVE],
    }


def _add_fields(schema: dict[str, Any], suffix: str, fields: tuple[str, ...]) -> None:
    """Ask for the draft's fields beside every file of a suffix."""
    metadata = schema["objects"]["metadata"]
    for field in fields:
        metadata.setdefault(
            field, {"name": field, "display_name": field, "description": field, **_field_type(field)}
        )
    schema["rules"]["sidecars"]["derivatives"].setdefault("draft", {})[suffix] = {
        "selectors": [_DERIVATIVE, f'suffix == "{suffix}"', 'extension != ".json"'],
        "fields": dict.fromkeys(fields, "required"),
    }


def _field_type(field: str) -> dict[str, Any]:
    if field == "InputValues":
        return {"type": "array", "items": {"type": "number"}}
    if field.startswith("InputValues"):
        return {"type": "array", "items": {"type": "string"}}
    return {"type": "string"}
