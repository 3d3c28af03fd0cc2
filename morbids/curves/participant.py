"""Kinetics of every scan of a folder of curves; a table that cannot be fitted stops no other."""

import argparse
import logging
from pathlib import Path
from typing import Any

from morbids.bids.dataset import dataset_description
from morbids.bids.names import output_path, scan_entities
from morbids.bids.writing import write_json
from morbids.curves.tables import ScanTable, find_curves, find_reference
from morbids.errors import ExitCode, MorbidsError, tell
from morbids.fit.command import fit_curves, write_fitted

log = logging.getLogger("morbids.curves")

# Entities that tell regional results of one scan apart.
_KEPT = ("seg", "pvc")


def fit_scans(arguments: Any) -> str:
    """Fit the curves of every scan and write its table of parameters; return a sentence.

    Raises
    ------
    MorbidsError
        There is no table; or some could not be fitted, once all others are.
    """
    tables = find_curves(arguments.curves_dir, dict(arguments.select))
    description = dataset_description({}, arguments.curves_dir, {})
    write_json(arguments.output_dir / "dataset_description.json", description)
    failed = []
    for table in tables:
        try:
            log.info("%s: %s", table.scan, _fit(table, arguments))
        except Exception as error:  # of one table: the others are fitted
            failed.append(tell(error, str(table.path)))
            log.error("%s is left out. %s", table.scan, failed[-1])
    if failed:
        code = ExitCode.FAILED if len(failed) < len(tables) else failed[0].exit_code
        raise MorbidsError(f"{len(failed)} of {len(tables)} scans were not fitted: see above.", "", code)
    return f"Fitted {len(tables)} scans into {arguments.output_dir}"


def _fit(table: ScanTable, arguments: Any) -> Path:
    reference = None if arguments.reference else find_reference(arguments.curves_dir, table.scan)
    own = argparse.Namespace(**vars(arguments) | {"tacs": table.path, "reference_file": reference})
    fitted = fit_curves(own)
    named = {key: table.entities[key] for key in _KEPT if key in table.entities}
    named["model"] = fitted.choices.model
    out = output_path(arguments.output_dir, scan_entities(table.entities), "kinpar", named)
    return write_fitted(fitted, own, out)
