"""The file that carries k2' of a group from finished scans to a second run of the participant level."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.bids.fields import as_number
from morbids.bids.folders import walk_participants
from morbids.bids.inheritance import read_json_object
from morbids.bids.names import parse_name, scan_entities, scan_label
from morbids.bids.writing import write_json
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.kinetics.pooling import PooledEfflux, pool_k2_prime

LEAST_SCANS = 3
"""Of two scans nobody can tell how much scans differ."""
OWN, OWN_ERROR = "k2primeOfScan", "k2primeOfScanStandardError"
_POOLED = {"mean": "k2prime", "se": "k2primeStandardError", "spread": "k2primeSpreadBetweenScans"}


class PublishedEfflux(NamedTuple):
    """k2' of a scan as others tell it, per minute: a value, its standard deviation, and who tells it."""

    k2_prime: float
    spread: float
    source: str


class _Scan(NamedTuple):
    label: str
    tracer: str
    k2_prime: float
    se: float


def pool_dataset(dataset: Path, out: Path, tracer: str | None = None) -> PooledEfflux:
    """Pool k2' over all scans of a derivative dataset that have an estimate of their own, and write the file.

    Parameters
    ----------
    tracer
        Only scans with this label in `trc-`.

    Raises
    ------
    MorbidsError
        Fewer than three scans, or several tracers.
    """
    scans = [scan for scan in _find_scans(dataset) if tracer is None or scan.tracer == tracer]
    tracers = sorted({scan.tracer for scan in scans})
    if len(tracers) > 1:
        raise MorbidsError(
            f"{dataset} holds scans of several tracers: {', '.join(tracers)}.",
            "Choose one with --tracer-label.",
            ExitCode.USAGE,
        )
    if len(scans) < LEAST_SCANS:
        raise MorbidsError(
            f"{dataset} holds {len(scans)} scans with an estimate of k2' of their own; {LEAST_SCANS} are needed.",
            "Run the participant level first, with models that take k2' and without --k2prime RATE.",
            ExitCode.NO_INPUT,
        )
    estimates, errors = np.array([(scan.k2_prime, scan.se) for scan in scans]).T
    pooled = pool_k2_prime(estimates, errors)
    content = {
        "Description": "k2' of the reference region, per minute: random-effects mean over scans",
        "Tracer": tracers[0],
        **{key: getattr(pooled, name) for name, key in _POOLED.items()},
        "Scans": {scan.label: {OWN: scan.k2_prime, OWN_ERROR: scan.se} for scan in scans},
    }
    write_json(out, content)
    return pooled


def read_pooled(file: str | Path) -> PublishedEfflux:
    """Read what `pool_dataset` wrote.

    Raises
    ------
    MorbidsError
        It is no JSON object, or lacks a number.
    """
    path = Path(file)
    content = read_json_object(path)
    numbers = {name: as_number(content.get(key)) for name, key in _POOLED.items()}
    scans = content.get("Scans")
    if any(number is None or number < 0 for number in numbers.values()) or not isinstance(scans, dict):
        raise MorbidsError(
            f"{path} does not hold {', '.join(_POOLED.values())} and Scans.",
            "Write the file with python -m morbids.pool_k2prime.",
            ExitCode.USAGE,
        )
    value, spread = PooledEfflux(**{name: float(number or 0.0) for name, number in numbers.items()}).published
    return PublishedEfflux(value, spread, f"{len(scans)} scans pooled in {path.name}")


def _find_scans(dataset: Path) -> list[_Scan]:
    """Every scan once: all its tables that know k2' tell the same."""
    found: dict[str, _Scan] = {}
    for path in walk_participants(dataset):
        if path.parent.name != "pet" or not path.name.endswith("_kinpar.json"):
            continue
        entities, content = scan_entities(parse_name(path).entities), read_json_object(path)
        value, error = as_number(content.get(OWN)), as_number(content.get(OWN_ERROR))
        if value and error:
            label = scan_label(entities)
            found.setdefault(label, _Scan(label, entities.get("trc", ""), value, error))
    return list(found.values())
