"""Which tables of a folder are of which scan, by their names: curves, and parameters of this program or PETPrep."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from morbids.bids.names import parse_name, scan_entities, scan_label
from morbids.errors import ExitCode, MorbidsError

CURVES, PARAMETERS = "tacs", "kinpar"
# PETPrep writes `km-srtm.tsv`: the model is an entity, and there is no suffix.
PETPREP_MODEL = "km"
REFERENCE = "reference"


class ScanTable(NamedTuple):
    """A table and the entities of its name."""

    path: Path
    entities: dict[str, str]

    @property
    def scan(self) -> str:
        """Name of the scan that it is of."""
        return scan_label(scan_entities(self.entities))

    @property
    def model(self) -> str:
        """Model of a table of parameters."""
        return self.entities.get("model", self.entities.get(PETPREP_MODEL, ""))


def find_curves(folder: Path, select: Mapping[str, str]) -> list[ScanTable]:
    """The one table of target curves of every scan.

    Parameters
    ----------
    select
        Entities that the names must have.

    Raises
    ------
    MorbidsError
        There is none, or a scan has several.
    """
    found = [table for table in _tables(folder, CURVES) if table.entities.get("desc") != REFERENCE]
    return _one_per_scan(_selected(found, select, f"{folder} has no table of curves (*_{CURVES}.tsv)"))


def find_reference(folder: Path, scan: str) -> Path | None:
    """The one table that holds the reference curve of a scan alone, as this program writes it."""
    of_scan = [table for table in _tables(folder, CURVES) if table.scan == scan]
    own = [table.path for table in of_scan if table.entities.get("desc") == REFERENCE]
    return own[0] if len(own) == 1 else None


def find_parameters(folders: Sequence[Path], select: Mapping[str, str], model: str | None) -> list[ScanTable]:
    """The one table of parameters of every scan, from the first folder that has any.

    Raises
    ------
    MorbidsError
        No folder has one, or a scan has several.
    """
    there = next((found for folder in folders if (found := _tables(folder, PARAMETERS))), [])
    named = " and ".join(str(folder) for folder in dict.fromkeys(folders))
    of_model = [table for table in there if model is None or table.model.lower() == model.lower()]
    sentence = f"{named}: no table of regional parameters (*_{PARAMETERS}.tsv, *_{PETPREP_MODEL}-MODEL.tsv)"
    return _one_per_scan(_selected(of_model, select, sentence + (f" of {model}" if model else "")))


def _tables(folder: Path, kind: str) -> list[ScanTable]:
    found = []
    for path in sorted(folder.glob("**/sub-*.tsv")):
        name = parse_name(path)
        of_petprep = kind == PARAMETERS and PETPREP_MODEL in name.entities
        if (name.suffix == kind or of_petprep) and "sub" in name.entities:
            found.append(ScanTable(path, name.entities))
    return found


def _selected(found: Sequence[ScanTable], select: Mapping[str, str], sentence: str) -> list[ScanTable]:
    chosen = [table for table in found if select.items() <= table.entities.items()]
    if not chosen:
        others = f" There are {found[0].path.name} and others." if found else ""
        wanted = "".join(f", {key}-{value}" for key, value in select.items())
        raise MorbidsError(
            f"{sentence}{wanted}.{others}", "Give another folder or --select.", ExitCode.NO_INPUT
        )
    return chosen


def _one_per_scan(tables: Sequence[ScanTable]) -> list[ScanTable]:
    """Refuse several tables of one scan, and say what tells them apart."""
    first: dict[str, ScanTable] = {}
    for table in tables:
        other = first.setdefault(table.scan, table)
        if other is not table:
            apart = dict(other.entities.items() - table.entities.items()) or dict(
                table.entities.items() - other.entities.items()
            )
            choice = " ".join(f"{key}={value}" for key, value in sorted(apart.items())) or "KEY=VALUE"
            raise MorbidsError(
                f"{table.scan} has two tables: {other.path.name} and {table.path.name}.",
                f"Choose with --select {choice} (parameters also with --model).",
                ExitCode.USAGE,
            )
    return list(first.values())
