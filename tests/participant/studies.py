"""Studies that are small enough to plan and to build graphs of: images of a few voxels, no kinetics."""

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
