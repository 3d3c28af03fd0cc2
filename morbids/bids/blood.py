"""Blood samples of a scan: PET-BIDS `_blood.tsv` become checked samples in kBq/mL and minutes from injection.

Radioactivity is taken as corrected for decay to TimeZero, as PET-BIDS has it, and brought to injection. What cannot be
true is refused; what is only odd is a note.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from morbids.bids.blood_checks import Faults, check_activity, check_share, check_spacing
from morbids.bids.fields import as_number, as_text, is_given
from morbids.bids.folders import list_files
from morbids.bids.inheritance import applicable_files, read_json_object
from morbids.bids.names import parse_name
from morbids.bids.radioactivity import kbq_ml_per_unit
from morbids.bids.tables import read_table
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.plasma import Blood, Samples

PLASMA, WHOLE_BLOOD, PARENT = (
    "plasma_radioactivity",
    "whole_blood_radioactivity",
    "metabolite_parent_fraction",
)
AVAILABLE: Mapping[str, str] = {
    PLASMA: "PlasmaAvail",
    WHOLE_BLOOD: "WholeBloodAvail",
    PARENT: "MetaboliteAvail",
}
# What a scan's sidecars say of its blood beside that, where it is said.
TOLD = ("MetaboliteMethod", "MetaboliteRecoveryCorrectionApplied", "DispersionCorrected")
SECONDS: Mapping[str, float] = {
    "s": 1.0,
    "sec": 1.0,
    "seconds": 1.0,
    "min": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
}
# Whole blood is neither so much more nor so much less than plasma: their units differ.
UNLIKE = 10.0


class BloodTable(NamedTuple):
    """A table of samples and its sidecar, inherited fields included."""

    path: Path
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class ReadBlood:
    """Samples of a scan and what the report should say of them.

    Attributes
    ----------
    blood
        In kBq/mL, minutes from injection, corrected for decay to injection.
    sources
        Tables that they are from.
    notes
        One sentence each.
    facts
        Fields of the sidecars, for those of results.
    """

    blood: Blood
    sources: tuple[Path, ...]
    notes: tuple[str, ...]
    facts: Mapping[str, Any]


class _Recording(NamedTuple):
    """Samples of one table, by column."""

    samples: dict[str, Samples]
    notes: tuple[str, ...]


def find_blood(image: Path, root: Path) -> tuple[Path, ...]:
    """Tables of blood of an image: in its folder or above it, every entity but `recording-` the image's too.

    Of each recording the nearest; none where there is no blood.
    """
    entities = parse_name(image).entities
    found: dict[str, Path] = {}
    for folder in reversed([one for one in image.parents if one == root or root in one.parents]):
        for path in list_files(folder, "_blood.tsv"):
            name = parse_name(path)
            recording = name.entities.pop("recording", "")
            if name.suffix == "blood" and name.entities.items() <= entities.items():
                found[recording] = path
    return tuple(found.values())


def read_blood_tables(paths: Sequence[Path], root: Path) -> tuple[BloodTable, ...]:
    """Tables with the sidecars that apply to them below a dataset's root.

    Raises
    ------
    MorbidsError
        A sidecar cannot be read.
    """
    tables = []
    for path in paths:
        metadata: dict[str, Any] = {}
        for sidecar in applicable_files(path, root, "blood", ".json"):
            metadata |= read_json_object(sidecar)
        tables.append(BloodTable(path, metadata))
    return tuple(tables)


def read_blood(
    tables: Sequence[BloodTable],
    *,
    injection_s: float,
    half_life_min: float,
    parent_is_all: bool = False,
) -> ReadBlood:
    """Read and check the samples of one scan.

    Several recordings are joined: an autosampler's whole blood stands for the time that it covers, and there plasma is
    that whole blood times the ratio of plasma to whole blood of the samples by hand (straight lines between them).

    Parameters
    ----------
    tables
        At least one.
    injection_s
        Injection in seconds from TimeZero, from which the samples count.
    half_life_min
        Of the radionuclide.
    parent_is_all
        All radioactivity in plasma is the tracer: on request, or because it has no metabolites.

    Raises
    ------
    MorbidsError
        Plasma, metabolites or a unit are missing, a sidecar contradicts its table, or values cannot be: the sentence
        names file, column and row.
    """
    recordings = {table.path: _read_recording(table, injection_s, half_life_min) for table in tables}
    holders = {
        column: [path for path, recording in recordings.items() if column in recording.samples]
        for column in AVAILABLE
    }
    where = " and ".join(path.name for path in recordings)
    folder = tables[0].path.parent
    if not holders[PLASMA]:
        raise MorbidsError(
            f"{folder}: {where} has no radioactivity of plasma ({PLASMA}).",
            "Models with plasma input need it; take a model with a reference region, or add the samples.",
        )
    for column in (PLASMA, PARENT):
        if len(holders[column]) > 1:
            raise MorbidsError(
                f"{folder}: both {holders[column][0].name} and {holders[column][1].name} have {column}.",
                "Keep the column in one of them.",
            )
    if not holders[PARENT] and not parent_is_all:
        raise MorbidsError(
            f"{folder}: {where} has no {PARENT}, and plasma holds metabolites beside the tracer.",
            "Add the column, or take all radioactivity in plasma for the tracer with --parent-fraction none.",
        )
    hand = recordings[holders[PLASMA][0]].samples
    plasma, whole_blood = hand[PLASMA], hand.get(WHOLE_BLOOD)
    notes = [note for recording in recordings.values() for note in recording.notes]
    for path in holders[WHOLE_BLOOD]:
        if path != holders[PLASMA][0]:
            other = recordings[path].samples[WHOLE_BLOOD]
            plasma, whole_blood, note = _join(plasma, whole_blood, other, path)
            notes.append(note)
    parent = recordings[holders[PARENT][0]].samples[PARENT] if holders[PARENT] and not parent_is_all else None
    if whole_blood is None:
        notes.append(f"{where} has no whole blood: plasma stands for the blood that is in tissue.")
    else:
        _check_alike(plasma, whole_blood, folder / where)
    notes += check_spacing(plasma, str(folder / where))
    facts = {
        name: table.metadata[name]
        for table in tables
        for name in (*AVAILABLE.values(), *TOLD)
        if is_given(table.metadata, name)
    }
    notes += _doubts(facts)
    blood = Blood(plasma, whole_blood, parent)
    return ReadBlood(blood, tuple(recordings), tuple(dict.fromkeys(notes)), facts)


def _doubts(facts: Mapping[str, Any]) -> list[str]:
    """What was not corrected, and is not corrected here."""
    notes = []
    if facts.get("MetaboliteAvail") and facts.get("MetaboliteRecoveryCorrectionApplied") is False:
        notes.append(
            "The parent fraction is not corrected for recovery from the column, as its sidecar says."
        )
    if facts.get("DispersionCorrected") is False:
        notes.append("The blood is not corrected for dispersion, as its sidecar says.")
    return notes


def _read_recording(table: BloodTable, injection_s: float, half_life_min: float) -> _Recording:
    """Samples of one table; rows without a number in a column are not samples of it."""
    cells = read_table(table.path, ("time",))
    time = cells["time"]
    if not is_numeric_dtype(time) or time.isna().any():
        row = int(pd.to_numeric(time, errors="coerce").isna().to_numpy().argmax())
        raise MorbidsError(
            f"{table.path}: the time in row {row + 2} is no number.", "Every sample needs a time."
        )
    time_min = (time.to_numpy(float) * _seconds(table) - injection_s) / 60
    notes: list[str] = []
    samples: dict[str, Samples] = {}
    for column, field in AVAILABLE.items():
        if not _is_there(table, column, field, [*cells.columns]):
            continue
        values = cells[column]
        if not is_numeric_dtype(values):
            raise MorbidsError(f"{table.path}: column '{column}' holds text.", "It must hold numbers or n/a.")
        measured = values.notna().to_numpy()
        faults = Faults(str(table.path), column, np.flatnonzero(measured) + 2)
        known = time_min[measured], values[measured].to_numpy(float)
        if column == PARENT:
            checked, said = check_share(*known, faults)
        else:
            factor = _kbq(table, column) * np.exp2(-injection_s / 60 / half_life_min)
            checked, said = check_activity(*known, faults)
            checked = checked[0], checked[1] * factor
        notes += said
        samples[column] = Samples(tuple(map(float, checked[0])), tuple(map(float, checked[1])))
    return _Recording(samples, tuple(notes))


def _is_there(table: BloodTable, column: str, field: str, columns: Sequence[str]) -> bool:
    """Whether a column is to be read; the sidecar and the table must agree.

    Raises
    ------
    MorbidsError
        They do not.
    """
    there = column in columns
    if not is_given(table.metadata, field):
        return there
    said = table.metadata[field]
    if not isinstance(said, bool):
        raise MorbidsError(
            f"{table.path}: {field} is {as_text(said)} in its sidecar.",
            "It is true or false, without quotes.",
        )
    if said != there:
        raise MorbidsError(
            f"{table.path}: {field} is {str(said).lower()} in its sidecar, but the table has "
            f"{'a' if there else 'no'} column '{column}'.",
            "Correct the one that is wrong.",
        )
    return there


def _seconds(table: BloodTable) -> float:
    """Seconds in one unit of the column of times; PET-BIDS has seconds."""
    units = _units(table, "time")
    factor = SECONDS.get(units.strip().lower() or "s")
    if factor is None:
        raise MorbidsError(
            f"{table.path}: the Units of time are {as_text(units)} in its sidecar.",
            f"Write one of {', '.join(SECONDS)}.",
        )
    return factor


def _kbq(table: BloodTable, column: str) -> float:
    """KBq/mL in one unit of a column."""
    units = _units(table, column)
    factor, _ = kbq_ml_per_unit({"Units": units})
    if factor is None:
        said = f"are {as_text(units)}" if units else "are missing"
        raise MorbidsError(
            f"{table.path}: the Units of {column} {said} in its sidecar.",
            'Write "Units": "kBq/mL" (or Bq/mL) into the description of the column.',
        )
    return factor


def _units(table: BloodTable, column: str) -> str:
    described = table.metadata.get(column)
    return str(described.get("Units", "")) if isinstance(described, Mapping) else ""


def _join(
    plasma: Samples, by_hand: Samples | None, continuous: Samples, path: Path
) -> tuple[Samples, Samples, str]:
    """Plasma and whole blood with an autosampler's whole blood where that was measured, and a sentence."""
    if by_hand is None:
        raise MorbidsError(
            f"{path}: whole blood of an autosampler needs whole blood of the samples by hand beside it.",
            f"Add {WHOLE_BLOOD} to the table of plasma, or remove this table.",
        )
    time, value = continuous.arrays
    hand_time, hand_blood = by_hand.arrays
    ratio = np.interp(hand_time, *plasma.arrays) / np.where(hand_blood > 0, hand_blood, np.nan)
    known = np.isfinite(ratio) & (ratio > 0)
    if not known.any():
        raise MorbidsError(f"{path}: no sample by hand has both plasma and whole blood.", "Add one.")
    made = value * np.interp(time, hand_time[known], ratio[known])
    note = (
        f"Until {time[-1]:.1f} min plasma is the whole blood of {path.name} times the ratio of plasma to whole blood "
        "of the samples by hand."
    )
    return _replace(plasma, time, made), _replace(by_hand, time, value), note


def _replace(samples: Samples, time: FloatArray, value: FloatArray) -> Samples:
    """Samples with those within the span of others replaced by them."""
    own_time, own_value = samples.arrays
    outside = (own_time < time[0]) | (own_time > time[-1])
    all_times, all_values = np.append(own_time[outside], time), np.append(own_value[outside], value)
    order = np.argsort(all_times)
    return Samples(tuple(map(float, all_times[order])), tuple(map(float, all_values[order])))


def _check_alike(plasma: Samples, whole_blood: Samples, source: Path) -> None:
    """Refuse whole blood whose unit cannot be that of the plasma."""
    time, value = whole_blood.arrays
    beside = np.interp(time, *plasma.arrays)
    both = (value > 0) & (beside > 0)
    if not both.any():
        return
    ratio = float(np.median(value[both] / beside[both]))
    if not 1 / UNLIKE <= ratio <= UNLIKE:
        raise MorbidsError(
            f"{source}: whole blood is {ratio:.3g} times plasma in the median sample, which no tracer does.",
            "Correct the Units, or the values, of one of the two.",
        )


def check_dose(blood: Blood, metadata: Mapping[str, Any], source: Path) -> None:
    """Refuse plasma that holds more than all that was injected, in 2 mL of blood per kg of body.

    Raises
    ------
    MorbidsError
        The units of one of the two are wrong.
    """
    dose = as_number(metadata.get("InjectedRadioactivity"))
    if dose is None or str(metadata.get("InjectedRadioactivityUnits", "")).strip().lower() != "mbq":
        return
    weight_kg = as_number(metadata.get("BodyWeight")) or USUAL_WEIGHT_KG
    largest = max(blood.plasma.value)
    if largest * LEAST_ML_PER_KG * weight_kg > dose * 1000:
        raise MorbidsError(
            f"{source}: the largest sample of plasma is {largest:.4g} kBq/mL, and {dose:g} MBq were injected: that is "
            f"more than all of it in {LEAST_ML_PER_KG:g} mL of blood per kg.",
            "Correct the Units of the blood, or InjectedRadioactivity.",
            ExitCode.BAD_DATA,
        )


USUAL_WEIGHT_KG, LEAST_ML_PER_KG = 70.0, 2.0
