"""What a job costs before its first step and leaves behind; how long a dry run takes on many participants."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np

from benchmarks import scale
from benchmarks.crowd import make_crowd
from benchmarks.file_calls import count_calls, traced
from benchmarks.runs import session_of
from morbids.bids.filters import Filters
from morbids.participant.collection import collect
from morbids.participant.run import LEAST_BATCH, build_participant_workflow
from morbids.settings import Resources, ScanSettings, Study

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "benchmarks" / "startup"
START_S = [0, 60, 120, 300, 600, 1200, 1800, 2400, 3000, 3600, 4200, 4800]
DURATION_S = [60, 60, 180, 300, 600, 600, 600, 600, 600, 600, 600, 600]
SIDECAR = {
    **{"Manufacturer": "Siemens", "ManufacturersModelName": "HR+", "Units": "Bq/mL", "BodyPart": "brain"},
    **{"TracerName": "carfentanil", "TracerRadionuclide": "C11", "ModeOfAdministration": "bolus"},
    **{"InjectedRadioactivity": 500, "InjectedRadioactivityUnits": "MBq", "InjectedMass": 1},
    **{"InjectedMassUnits": "ug", "SpecificRadioactivity": 500, "SpecificRadioactivityUnits": "MBq/ug"},
    **{"TimeZero": "12:00:00", "ScanStart": 0, "InjectionStart": 0, "FrameTimesStart": START_S},
    **{"FrameDuration": DURATION_S, "AcquisitionMode": "dynamic", "ImageDecayCorrected": True},
    **{"ImageDecayCorrectionTime": 0, "ReconMethodName": "FBP", "ReconMethodParameterLabels": ["none"]},
    **{"ReconFilterType": "none", "ReconFilterSize": 0, "AttenuationCorrection": "transmission"},
}


def run(quick: bool) -> dict[str, float]:
    """Make datasets of scans of a few voxels (once), and time commands on them."""
    n_few, n_many, n_graph = (20, 50, 48) if quick else (500, 5000, 1000)
    few, many = make_dataset(n_few), make_dataset(n_many)
    fifty, scans = make_dataset(50), make_dataset(70 if quick else 350, n_tasks=2)
    # What a job imports is compiled now, and not in what is timed.
    job_figures("first", few)
    return {
        "version_s": used_s([sys.executable, str(ROOT / "run.py"), "--version"]).processor_s,
        f"graph_{n_graph}_s": graph_s(make_dataset(n_graph // 2, n_tasks=2)),
        **job_figures(f"label_of_{n_few}", few),
        **job_figures(f"label_of_{n_many}", many),
        **call_figures(f"label_of_{n_few}", few),
        **call_figures(f"label_of_{n_many}", many),
        **dry_run_figures("50_participants", fifty),
        **dry_run_figures(f"{140 if quick else 700}_scans", scans),
        "work_inodes_per_scan": inodes_after_cleaning(),
        "load_of_machine": os.getloadavg()[0] / len(os.sched_getaffinity(0)),
    }


def inodes_after_cleaning() -> float:
    """Files and folders that `--clean-workdir` leaves of one coarse scan."""
    return scale.measure(make_crowd(scale.FOLDER, 1), 1, "--clean-workdir")["work_inodes"]


def make_dataset(n_participants: int, n_tasks: int = 1) -> Path:
    """Write a raw dataset, unless it is there from an earlier run."""
    root = FOLDER / f"bids-{n_participants}-{n_tasks}"
    done = root / ".made"
    if done.exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / "dataset_description.json").write_text(json.dumps({"Name": "startup", "BIDSVersion": "1.10.0"}))
    (root / "README").write_text("Scans of a few voxels: only their number matters.\n" * 4)
    template = root / "template.nii.gz"
    for participant in range(1, n_participants + 1):
        stem = f"sub-{participant:04}"
        for folder in ("pet", "anat"):
            (root / stem / folder).mkdir(parents=True)
        write_image(root / stem / "anat" / f"{stem}_T1w.nii.gz", template, 1)
        for task in range(n_tasks):
            scan = root / stem / "pet" / f"{stem}_task-{task}_pet"
            write_image(scan.with_suffix(".nii.gz"), template, len(START_S))
            scan.with_suffix(".json").write_text(json.dumps(SIDECAR | {"TaskName": str(task)}))
    for path in root.glob("template*"):
        path.unlink()
    done.touch()
    return root


def write_image(path: Path, template: Path, n_volumes: int) -> None:
    """Copy an image of 4 x 4 x 4 voxels and so many volumes, which is made once."""
    source = template.with_name(f"template-{n_volumes}.nii.gz")
    if not source.exists():
        shape = (4, 4, 4, n_volumes) if n_volumes > 1 else (4, 4, 4)
        nib.save(nib.Nifti1Image(np.ones(shape, dtype=np.float32), np.eye(4)), source)
    shutil.copyfile(source, path)


def as_installed() -> dict[str, str]:
    """Environment in which modules are compiled once, as an installation has them, wherever the sources lie."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return own | {"PYTHONPYCACHEPREFIX": str(FOLDER / "compiled")}


def command(bids: Path, options: list[str]) -> list[str]:
    """The participant level on a dataset, into folders of its own."""
    out = bids.with_name(f"{bids.name}-out")
    shutil.rmtree(out, ignore_errors=True)
    return [sys.executable, str(ROOT / "run.py"), str(bids), str(out), "participant", *options]


class Used(NamedTuple):
    """Seconds that a command took: of the clock, and of processors, which on a shared machine are steadier."""

    wall_s: float
    processor_s: float


def used_s(words: list[str]) -> Used:
    """Time a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    finished = subprocess.run(words, capture_output=True, text=True, check=False, env=as_installed())
    if finished.returncode:
        raise SystemExit(finished.stderr)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Used(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def graph_s(bids: Path) -> float:
    """Processor seconds of building the graphs of all scans, batch by batch, as a run does."""
    study = Study(bids, bids.with_name(f"{bids.name}-out"), Filters(), "")
    resources = Resources(2, 1, 8.0, FOLDER / "work")
    plans = collect(study, ScanSettings(), resources.mem_gb, validate=False, read_images=False)
    begin = time.process_time()
    for batch in plans.batches(LEAST_BATCH):
        build_participant_workflow(batch.scans, study, ScanSettings(), resources)
    return time.process_time() - begin


def dry_run_figures(name: str, bids: Path) -> dict[str, float]:
    """What a dry run takes."""
    used = used_s(command(bids, ["--dry-run"]))
    return {f"dry_run_{name}_s": used.wall_s, f"dry_run_{name}_cpu_s": used.processor_s}


def job_figures(name: str, bids: Path) -> dict[str, float]:
    """Processor seconds of a job of one participant: until its first step starts, and until one has ended.

    Between the two, workers import what steps need, and the first steps run.
    """
    told = {"cpu_s": ": started", "first_answer_cpu_s": ": done after"}
    label = ["--participant-label", "0001"]
    return {f"{name}_{key}": cpu_until_s(mark, command(bids, label)) for key, mark in told.items()}


def call_figures(name: str, bids: Path) -> dict[str, float]:
    """Calls on files of the dataset, and on all others, that it takes to find and check one participant."""
    if not scale.can_count():
        print("strace is not installed: calls on files are not counted.", flush=True)
        return {}
    trace = FOLDER / "trace.txt"
    used_s(traced(command(bids, ["--participant-label", "0001", "--dry-run"]), trace))
    calls = count_calls(trace, (bids,))
    trace.unlink()
    return {f"{name}_data_calls": calls.data, f"{name}_program_calls": calls.program}


def cpu_until_s(mark: str, words: list[str]) -> float:
    """Processor seconds of a run and of every process that it has started, until it logs something."""
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env=as_installed(), start_new_session=True
    ) as process:
        lines = []
        for line in process.stderr or ():
            lines.append(line)
            if mark in line:
                break
        else:
            raise SystemExit(f"'{mark}' was not told:\n{''.join(lines)}")
        used = sum(cpu_s(number) for number in session_of(process.pid))
        process.send_signal(signal.SIGTERM)
    return used


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended (proc(5): utime to cstime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
