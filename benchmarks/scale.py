"""What scans cost as their number grows, and what that says of ten thousand: time, memory, disk, calls on files.

Runs of 1, 4, 16 and 64 coarse scans in one process, the group level on 4, 16 and 64 people, and a line through each
quantity (`cost_model`). Coarse, so that 64 take minutes: what grows and what stays flat is the same at full size. Calls
on files are counted in runs of their own that clean their work directory, since counting slows; without strace they are
left out, aloud. A job per participant costs what a run of one costs, and what it adds to look for one among many
(`startup`). Disk at full size is measured here, time and memory there by `scan`.
"""

import math
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import scan
from benchmarks.cost_model import MANY, model_figures
from benchmarks.crowd import DISTINCT, fill_up, label_of, make_crowd
from benchmarks.file_calls import count_calls, traced
from benchmarks.observer import watch_run
from benchmarks.report import read_figures, save
from benchmarks.runs import ONE_SCAN, ROOT, Places, run_command
from morbids.reports.index_of_dataset import write_index
from morbids.slurm import ASSUMED_LARGEST_ARRAY

FOLDER = ROOT / "build" / "benchmarks" / "scale"
PROCESSES = 2
NUMBERS = (1, 4, 16, 64)
COUNTED = (1, 4)
OF_GROUP = (4, 16, 64)
# One run of one scan and one of the group: three minutes on a busy core have room for no more.
QUICK_OPTIONS, QUICK_GROUP = ("--motion", "off"), (3,)
GROUP_OPTIONS = ("--n-permutations", "1000")
OF_CLEANED = ("work_mb", "work_inodes", "data_calls", "program_calls", "read_mb")
OF_COUNTED = OF_CLEANED[2:]
PEAK = "peak_gb"
"""Scans do not add to it: as many run at once as there are processors, and graphs are built for some at a time."""
FULL_SCANS = 2
SIZES = (500, 5000)
"""Participants of the datasets in which `startup` finds one."""
# Totals of runs, by the number of their scans.
Series = dict[int, dict[str, float]]


class Disk(NamedTuple):
    """What a folder holds: bytes, and files and folders."""

    n_bytes: int
    inodes: int


def run(quick: bool, scans: int = NUMBERS[-1], parts: Sequence[str] | None = None) -> dict[str, float]:
    """Run all numbers of scans (up to `scans`) from nothing, fit the lines, and state what ten thousand take.

    Parameters
    ----------
    parts
        Of `PARTS`; the figures of the others stay as they were saved.
    """
    if unknown := set(parts or ()) - PARTS.keys():
        raise SystemExit(f"{', '.join(sorted(unknown))}: no part; choose from {', '.join(PARTS)}.")
    if not can_count():
        print("strace is not installed: calls on files are not counted.", flush=True)
    if quick:
        bids = make_crowd(FOLDER, 1)
        plain = {1: measure(bids, 1, *QUICK_OPTIONS, count=True)}
        return series_figures("", plain) | group_figures(bids, QUICK_GROUP, apart=False)
    figures = read_figures("scale") if parts else {}
    for part in parts or PARTS:
        figures |= PARTS[part](scans, figures)
        save("scale", figures)  # all of it takes an hour: whoever stops it keeps what is known
    return figures


def _measure_participants(scans: int, _: Mapping[str, float]) -> dict[str, float]:
    """The participant level on all numbers of scans."""
    bids = _crowd(scans)
    return series_figures("", {number: measure(bids, number) for number in NUMBERS if number <= scans})


def _measure_cleaned(scans: int, _: Mapping[str, float]) -> dict[str, float]:
    """Runs that clean their work directory, in which calls on files are counted."""
    bids, cleaned = _crowd(scans), {}
    for number in COUNTED:
        own = measure(bids, number, "--clean-workdir", count=True)
        cleaned[number] = {key: own[key] for key in OF_CLEANED if key in own}
    return series_figures("cleaned_", cleaned)


def _measure_group(scans: int, _: Mapping[str, float]) -> dict[str, float]:
    """The group level on the people of the last run, if that made enough."""
    bids = _crowd(scans)
    made = [places_of(bids).out / f"sub-{label_of(number)}" for number in range(1, DISTINCT + 1)]
    if not all(folder.is_dir() for folder in made):
        measure(bids, DISTINCT)
    return group_figures(bids, [number for number in OF_GROUP if number <= scans])


def _measure_full(_: int, __: Mapping[str, float]) -> dict[str, float]:
    """Disk of one participant with two scans at full size, per scan, and that of ten thousand."""
    places = places_of(scan.simulate(scan.FOLDER / "full", quick=False, data=None))
    places.clear()
    watch(places, "participant", "--skip-bids-validation")
    disk = {key: value / FULL_SCANS for key, value in take_work(places).items()}
    told = {f"full_{key}_per_scan": value for key, value in disk.items()}
    return told | {f"model_full_{key}_at_{MANY}": MANY * value for key, value in disk.items()}


def _crowd(scans: int) -> Path:
    return make_crowd(FOLDER, max(scans, DISTINCT))


def group_figures(bids: Path, numbers: Sequence[int], *, apart: bool = True) -> dict[str, float]:
    """The group level on so many people, who are linked from those of the last run of participants."""
    group, index = Series(), Series()
    made = places_of(bids).out
    places = places_of(bids)._replace(out=made.with_name("out-group"))
    for n_people in numbers:
        places.clear()
        fill_up(made, places.out, range(1, n_people + 1))
        group[n_people], index[n_people] = measure_group(places, apart=apart), measure_index(places)
    return series_figures("group_", group) | series_figures("index_", index)


def can_count() -> bool:
    """Whether calls on files can be counted."""
    return shutil.which("strace") is not None


def series_figures(prefix: str, series: Series) -> dict[str, float]:
    """Totals of every run, and the line through what adds up where there are two numbers of scans at least."""
    figures = {f"{prefix}{key}_at_{n}": value for n, own in series.items() for key, value in own.items()}
    if len(series) > 1:
        for key in [key for key in next(iter(series.values())) if key != PEAK]:
            totals = [own[key] for own in series.values()]
            figures |= model_figures(f"{prefix}{key}", list(series), totals)
    return figures


def places_of(bids: Path) -> Places:
    """Folders of all runs: one after the other takes them."""
    return Places(bids, FOLDER / "out", FOLDER / "work", FOLDER / "log.txt")


def measure(bids: Path, n_scans: int, *options: str, count: bool = False) -> dict[str, float]:
    """Run so many participants of one scan each from nothing.

    Parameters
    ----------
    count
        Whether calls on files are counted, where they can be: that slows the run.
    """
    places = places_of(bids)
    places.clear()
    labels = [label_of(number) for number in range(1, n_scans + 1)]
    used = watch(places, "participant", "--participant-label", *labels, *ONE_SCAN, *options, count=count)
    return used | take_work(places)


def watch(places: Places, level: str, *options: str, count: bool = False) -> dict[str, float]:
    """Run a level to its end: time, memory and, where asked for, calls on files."""
    command, trace = run_command(places, level, *options, "--nprocs", str(PROCESSES)), FOLDER / "trace.txt"
    counting = count and can_count()
    use = watch_run(traced(command, trace) if counting else command, places.work, places.log, os.environ)
    if use.exit_code:
        raise SystemExit(f"The {level} level failed: see {places.log}.")
    print(f"{level}: {use.processor_s:.0f} processor s, {use.wall_s:.0f} s", flush=True)
    used = {"wall_s": use.wall_s, "processor_s": use.processor_s, PEAK: use.peak_gb}
    if counting:
        calls = count_calls(trace, (places.bids, places.out, places.work))
        used |= {"data_calls": calls.data, "program_calls": calls.program, "read_mb": calls.read_mb}
        trace.unlink()
    return used


def take_work(places: Places) -> dict[str, float]:
    """What the output and work directories hold; the latter is removed."""
    out, work = disk_of(places.out), disk_of(places.work)
    shutil.rmtree(places.work)
    kept = {"out_mb": out.n_bytes / 1e6, "out_inodes": float(out.inodes)}
    return kept | {"work_mb": work.n_bytes / 1e6, "work_inodes": float(work.inodes)}


def measure_group(places: Places, *, apart: bool) -> dict[str, float]:
    """Run the group level; calls on files are counted in a run `apart`, or in the same, which is slower for it."""
    used = watch(places, "group", *GROUP_OPTIONS, count=not apart)
    shutil.rmtree(places.work)
    if apart and can_count():
        counted = watch(places, "group", *GROUP_OPTIONS, count=True)
        used |= {key: counted[key] for key in OF_COUNTED}
        shutil.rmtree(places.work)
    return used


def measure_index(places: Places) -> dict[str, float]:
    """Write the first page of all participants, as the group level does at its end."""
    began = time.process_time()
    page = write_index(places.out, "scale")
    return {"processor_s": time.process_time() - began, "page_mb": page.stat().st_size / 1e6}


def many_jobs(_: int, known: Mapping[str, float]) -> dict[str, float]:
    """Ten thousand participants as a job each, coarse and at full size (as `scan` has measured that).

    A job costs what a run of one costs, and what the thousands beside it add to finding one: a line through what
    `startup` has measured in datasets of 500 and 5 000.

    Parameters
    ----------
    known
        Figures of a coarse run of one scan, and of one that cleans its work directory: each job has one of its own.
    """
    full, startup = read_figures("scan"), read_figures("startup")
    few, many = SIZES
    told = {"jobs_arrays": float(math.ceil(MANY / ASSUMED_LARGEST_ARRAY))}
    longer_s = max(0.0, startup[f"label_of_{many}_cpu_s"] - startup[f"label_of_{few}_cpu_s"])
    added_s = longer_s / (many - few) * MANY
    full_s = 60 * full["scan_processor_min"] / FULL_SCANS
    return told | {
        "jobs_added_s_at_10000": added_s,
        "full_processor_s_per_scan": full_s,
        "full_peak_gb": full["scan_peak_gb"],
        "model_jobs_work_inodes_at_10000": MANY * known["work_inodes_at_1"],
        "model_jobs_cleaned_work_inodes_at_10000": MANY * known["cleaned_work_inodes_at_1"],
        "model_jobs_processor_h_at_10000": MANY * (known["processor_s_at_1"] + added_s) / 3600,
        "model_jobs_full_processor_h_at_10000": MANY * (full_s + added_s) / 3600,
    }


def disk_of(folder: Path) -> Disk:
    """Count what is below a folder."""
    paths = list(folder.rglob("*"))
    return Disk(sum(path.lstat().st_size for path in paths if path.is_file()), len(paths))


PARTS: Mapping[str, Callable[[int, Mapping[str, float]], dict[str, float]]] = {
    "participants": _measure_participants,
    "cleaned": _measure_cleaned,
    "group": _measure_group,
    "full": _measure_full,
    "jobs": many_jobs,
}
"""Each takes the largest number of scans and the figures so far."""
