"""Cases of arterial blood: two scans that it drives, of which one's samples are damaged."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from morbids.errors import ExitCode
from tests.bids.conftest import DatasetMaker
from tests.catalogue.case import BAD, GOOD, SETTINGS, STEM, Case
from tests.participant.studies import write_blood

TABLE = f"{STEM}_recording-manual_blood.tsv"
Columns = dict[str, list[str]]


def _blood(
    name: str,
    sentence: str,
    change: Callable[[Columns], object] = lambda _: None,
    *,
    file: str = TABLE,
    until_s: int = 5400,
    **fields: Any,
) -> Case:
    """A case of a table whose columns are changed in place, and of fields of its sidecar."""

    def damage(dataset: DatasetMaker) -> None:
        for participant in (GOOD, BAD):
            write_blood(
                dataset,
                f"sub-{participant}/pet/sub-{participant}_task-rejection_recording-manual_blood",
                until_s=until_s if participant == BAD else 5400,
            )
        table = dataset.root / TABLE
        head, *rows = (line.split("\t") for line in table.read_text().splitlines())
        columns = {title: [row[i] for row in rows] for i, title in enumerate(head)}
        change(columns)
        lines = zip(*columns.values(), strict=True)
        table.write_text("\n".join("\t".join(line) for line in ([*columns], *lines)) + "\n")
        sidecar = table.with_suffix(".json")
        sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | fields))

    settings = replace(SETTINGS, model="2TCM")
    return Case(name, sentence, file, damage, ExitCode.BAD_DATA, settings=settings)


def _put(column: str, row: int, value: str) -> Callable[[Columns], object]:
    def change(columns: Columns) -> None:
        columns[column][row] = value

    return change


def _swap(columns: Columns) -> None:
    times = columns["time"]
    times[3], times[4] = times[4], times[3]


def _cut(first: int, last: int) -> Callable[[Columns], object]:
    """Leave rows out."""

    def change(columns: Columns) -> None:
        for cells in columns.values():
            del cells[first:last]

    return change


def _in_percent(columns: Columns) -> None:
    shares = columns["metabolite_parent_fraction"]
    columns["metabolite_parent_fraction"] = [str(100 * float(share)) for share in shares]


CASES = (
    _blood("blood without plasma", "has no radioactivity of plasma", lambda c: c.pop("plasma_radioactivity"),
           file="sub-02/pet", PlasmaAvail=False),
    _blood("plasma that is promised and not there", "PlasmaAvail is true in its sidecar, but the table has no column",
           lambda c: c.pop("plasma_radioactivity")),
    _blood("blood without parent fraction", "has no metabolite_parent_fraction",
           lambda c: c.pop("metabolite_parent_fraction"), file="sub-02/pet", MetaboliteAvail=False),
    _blood("a parent fraction in percent", "metabolite_parent_fraction is 97", _in_percent),
    _blood("availability in words", "WholeBloodAvail is 'yes'", WholeBloodAvail="yes"),
    _blood("blood without unit", "the Units of plasma_radioactivity are missing", plasma_radioactivity={}),
    _blood("blood in counts", "the Units of plasma_radioactivity are 'cps'", plasma_radioactivity={"Units": "cps"}),
    _blood("blood by the hour", "the Units of time are 'day'", time={"Units": "day"}),
    _blood("samples out of order", "times do not rise", _swap),
    _blood("a sample without time", "the time in row 4 is no number", _put("time", 2, "n/a")),
    _blood("negative blood", "plasma_radioactivity is -9 in row 4", _put("plasma_radioactivity", 2, "-9")),
    _blood("blood in words", "column 'plasma_radioactivity' holds text", _put("plasma_radioactivity", 2, "high")),
    _blood("blood of a few samples", "has 4 samples; an input function needs 5", _cut(0, 11)),
    _blood("blood without the bolus", "the first sample of plasma is from 10.0 min", _cut(0, 8)),
    _blood("a gap in the blood", "no sample of plasma from 5.0 to 30.0 min", _cut(8, 10)),
    _blood("blood that ends before the scan", "frames until 90.0 min are to be fitted", until_s=3600, file=""),
    _blood("whole blood in another unit", "times plasma in the median sample",
           whole_blood_radioactivity={"Units": "MBq/mL"}),
    _blood("more blood than was injected", "more than all of it in 2 mL of blood per kg",
           plasma_radioactivity={"Units": "MBq/mL"}, whole_blood_radioactivity={"Units": "MBq/mL"}),
)  # fmt: skip
