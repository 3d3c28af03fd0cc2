"""What the user selects: labels of participants, sessions, tasks, tracers and runs, or a filter file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

from morbids.bids.inheritance import read_json_object
from morbids.bids.names import ENTITY_ORDER, strip_prefix
from morbids.errors import ExitCode, MorbidsError

# Long names, as pybids and the filter files of other BIDS Apps use them.
LONG_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "subject": "sub",
        "session": "ses",
        "tracer": "trc",
        "reconstruction": "rec",
        "acquisition": "acq",
        "ceagent": "ce",
        "direction": "dir",
        "proc": "proc",
    }
)
IMAGES = ("pet", "t1w")
# Images that the filter files of other BIDS Apps select, and this program does not read.
OTHER_IMAGES = (
    *(
        "bold",
        "sbref",
        "flair",
        "t2w",
        "t2star",
        "t1map",
        "fmap",
        "dwi",
        "roi",
        "asl",
        "m0scan",
        "perf",
        "mask",
    ),
    *("anat", "func", "xfm", "events", "physio", "blood"),
)
# pybids' queries as fMRIPrep's filter files write them; OPTIONAL selects nothing.
_QUERIES: Mapping[str, str | None] = MappingProxyType({"NONE": None, "ANY": "*", "REQUIRED": "*"})
# Entities of BIDS names that say what kind of file it is: a filter file may repeat them, they select nothing.
_KIND = ("datatype", "suffix", "extension")


JoinRuns = Literal["auto", "always", "never"]
JOIN_RUNS: tuple[JoinRuns, ...] = get_args(JoinRuns)
"""Whether runs of one injection are joined on the time axis."""


@dataclass(frozen=True)
class Filters:
    """The user's selection; an empty tuple selects all. Labels may carry their prefix (`sub-01`)."""

    participant_labels: tuple[str, ...] = ()
    session_labels: tuple[str, ...] = ()
    task_labels: tuple[str, ...] = ()
    tracer_labels: tuple[str, ...] = ()
    run_labels: tuple[str, ...] = ()
    bids_filter_file: Path | None = None

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """Labels by entity, without prefixes; entities without a selection are left out."""
        given = {
            "sub": self.participant_labels,
            "ses": self.session_labels,
            "task": self.task_labels,
            "trc": self.tracer_labels,
            "run": self.run_labels,
        }
        return {
            key: tuple(strip_prefix(label, key) for label in labels)
            for key, labels in given.items()
            if labels
        }


class Selection(NamedTuple):
    """Wanted values by entity for PET and T1w images: a label, None (the entity is absent), * (present)."""

    pet: Mapping[str, tuple[str | None, ...]]
    t1w: Mapping[str, tuple[str | None, ...]]


def read_selection(filters: Filters) -> Selection:
    """Join labels and filter file.

    Raises
    ------
    MorbidsError
        The filter file cannot be read, or names an image or entity that is not known.
    """
    by_image: dict[str, dict[str, tuple[str | None, ...]]] = {image: {} for image in IMAGES}
    if filters.bids_filter_file is not None:
        by_image.update(_read_filter_file(filters.bids_filter_file))
    for key, labels in filters.labels.items():
        by_image["pet"][key] = labels
    return Selection(by_image["pet"], by_image["t1w"])


def matches(entities: Mapping[str, str], wanted: Mapping[str, tuple[str | None, ...]]) -> bool:
    """Whether a file has the wanted values; runs are compared as numbers (`run-1` is `run-001`)."""
    return all(any(_is(entities.get(key), value, key) for value in values) for key, values in wanted.items())


def _is(present: str | None, wanted: str | None, key: str) -> bool:
    if present is None or wanted is None:
        return present is None and wanted is None
    if wanted == "*":
        return True
    if key == "run" and present.isdigit() and wanted.isdigit():
        return int(present) == int(wanted)
    return present == wanted


def _read_filter_file(path: Path) -> dict[str, dict[str, tuple[str | None, ...]]]:
    try:
        content = read_json_object(path)
    except MorbidsError as error:
        raise MorbidsError(
            f"The BIDS filter file cannot be used: {error.message}",
            'Write JSON such as {"pet": {"session": "baseline"}, "t1w": {"acquisition": null}}.',
            ExitCode.USAGE,
        ) from error
    by_image = {}
    for image, entities in content.items():
        if image in OTHER_IMAGES and image not in IMAGES:
            continue
        if image not in IMAGES or not isinstance(entities, dict):
            raise MorbidsError(
                f"The BIDS filter file {path} has the entry '{image}': {entities!r}.",
                f"Its entries are {' and '.join(IMAGES)} (those of other programs' images are passed over), each with "
                "entities in braces.",
                ExitCode.USAGE,
            )
        by_image[image] = dict(
            _entity_filter(path, name, value)
            for name, value in entities.items()
            if name not in _KIND and _query(value) != "OPTIONAL"
        )
    return {image: by_image.get(image, {}) for image in IMAGES}


def _entity_filter(path: Path, name: str, value: Any) -> tuple[str, tuple[str | None, ...]]:
    """One entity of a filter file, with its short name and its wanted values."""
    key = LONG_NAMES.get(name, name)
    values = [_QUERIES.get(_query(item), item) for item in (value if isinstance(value, list) else [value])]
    plain = all(item is None or type(item) in (str, int) for item in values)
    if key not in ENTITY_ORDER or not plain or not values:
        raise MorbidsError(
            f"The BIDS filter file {path} asks for '{name}': {value!r}.",
            "Entities are those of BIDS names (session, task, tracer, run ...); values are labels, lists of "
            "labels, null (absent) or * (present).",
            ExitCode.USAGE,
        )
    return key, tuple(None if item is None else strip_prefix(str(item), key) for item in values)


def _query(value: object) -> str:
    """Name of a pybids query (`Query.NONE`, `<Query.NONE: 1>`); empty for other values."""
    found = re.search(r"Query\.([A-Z]+)", value) if isinstance(value, str) else None
    return found[1] if found else ""
