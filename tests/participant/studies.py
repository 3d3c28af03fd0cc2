"""Studies that are small enough to plan and to build graphs of: images of a few voxels, no kinetics."""

import json
from collections.abc import Mapping
from pathlib import Path

from morbids.bids.filters import Filters
from morbids.settings import Resources, Study
from tests.bids.conftest import DatasetMaker

EVERYTHING = Filters()
EVENTS = "onset\tduration\ttrial_type\n300\t2100\tbaseline\n2700\t2700\t{task}\n"


def make_resources(work_dir: Path) -> Resources:
    return Resources(n_procs=2, omp_n_threads=1, mem_gb=2.0, work_dir=work_dir)


def make_study(root: Path, filters: Filters = EVERYTHING) -> Study:
    return Study(root / "raw", root / "out", filters, "run.py raw out participant")


def write_blood(dataset: DatasetMaker, stem: str, *, until_s: int = 5400) -> None:
    """Write samples of a bolus in plasma and whole blood, with a parent fraction that falls by a Hill curve."""
    times = [
        t for t in (10, 30, 50, 70, 90, 120, 180, 300, 600, 900, 1800, 2700, 3600, 4500, 5400) if t <= until_s
    ]
    rows = []
    for time in times:
        plasma = 40 * (time / 60) ** 2 / (1 + (time / 60) ** 2.6) + 2
        share = 0.98 * (1 - 0.7 * time**1.5 / (1200**1.5 + time**1.5))
        rows.append(f"{time}\t{plasma:.4f}\t{0.8 * plasma:.4f}\t{share:.4f}")
    columns = "time\tplasma_radioactivity\twhole_blood_radioactivity\tmetabolite_parent_fraction"
    dataset.text(f"{stem}.tsv", "\n".join([columns, *rows]) + "\n")
    unit = {"Units": "kBq/mL"}
    flags = dict.fromkeys(("PlasmaAvail", "WholeBloodAvail", "MetaboliteAvail"), True)
    sidecar = {"plasma_radioactivity": unit, "whole_blood_radioactivity": unit, "time": {"Units": "s"}}
    dataset.text(f"{stem}.json", json.dumps(flags | sidecar))


def write_scan(
    dataset: DatasetMaker,
    participant: str,
    task: str = "rejection",
    *,
    session: str = "",
    t1w: bool = True,
    events: bool = True,
    changes: Mapping[str, object] | None = None,
) -> None:
    """Write one scan of two windows, with its T1w image."""
    folder = f"sub-{participant}/ses-{session}" if session else f"sub-{participant}"
    stem = folder.replace("/", "_")
    dataset.pet(f"{folder}/pet/{stem}_task-{task}", **(changes or {}))
    if events:
        dataset.text(f"{folder}/pet/{stem}_task-{task}_events.tsv", EVENTS.format(task=task))
    if t1w:
        dataset.image(f"{folder}/anat/{stem}_T1w.nii.gz")
