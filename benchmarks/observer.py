"""Watch a run of the program from outside: wall time, processor time and memory of every step.

A worker of the run works inside the folder of its step, and so do the programs that the step starts. The folder
in which a process works therefore names its step, and nothing in the program has to measure itself.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

PERIOD_S = 0.1
SCRATCH = "scratch-"
"""Beginning of the names of folders that `Workplace` makes below that of a step."""
OUTSIDE = ""
"""Name of what runs in no step's folder: the scheduler, idle workers."""

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_GB = os.sysconf("SC_PAGE_SIZE") / 1e9


class Sample(NamedTuple):
    """One process at one moment.

    Attributes
    ----------
    memory_gb
        Its proportional set: what several processes share (libraries, what a fork has not written to) counts in
        each by its share, so that the sum is what the machine, or a control group, pays.
    resident_gb
        All that it has in memory: what is shared counts in every process.
    """

    pid: int
    parent: int
    folder: str
    processor_s: float
    memory_gb: float
    resident_gb: float


@dataclass
class StepUse:
    """What one step used.

    Attributes
    ----------
    wall_s
        From the first to the last time that a process was seen in its folder.
    processor_s
        Of all its processes.
    peak_gb
        Largest sum over its processes at one moment.
    """

    first_s: float
    last_s: float
    processor_s: float = 0.0
    peak_gb: float = 0.0

    @property
    def wall_s(self) -> float:
        """Duration; at least one period."""
        return self.last_s - self.first_s + PERIOD_S


@dataclass
class RunUse:
    """What a whole run used, and each of its steps by the folder below the work directory.

    Attributes
    ----------
    peak_gb, peak_resident_gb
        Largest sums over all processes at one moment (see `Sample`).
    at_peak_gb
        What each step held at the moment of `peak_gb`.
    """

    exit_code: int = 0
    wall_s: float = 0.0
    peak_gb: float = 0.0
    peak_resident_gb: float = 0.0
    at_peak_gb: dict[str, float] = field(default_factory=dict)
    steps: dict[str, StepUse] = field(default_factory=dict)

    @property
    def processor_s(self) -> float:
        """Processor time of all processes, as far as it was seen."""
        return sum(step.processor_s for step in self.steps.values())


def watch_run(command: Sequence[str], work_dir: Path, log: Path, environment: Mapping[str, str]) -> RunUse:
    """Run a command to its end, looking at its processes ten times a second.

    Parameters
    ----------
    work_dir
        Where the run keeps the folders of its steps.
    log
        Takes standard output and error.
    """
    use = RunUse()
    seen: dict[int, float] = {}
    began = time.monotonic()
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=dict(environment))
        while process.poll() is None:
            note_samples(use, seen, list(family(process.pid)), work_dir, time.monotonic() - began)
            time.sleep(PERIOD_S)
    use.exit_code, use.wall_s = process.returncode, time.monotonic() - began
    return use


def note_samples(
    use: RunUse, seen: dict[int, float], samples: Sequence[Sample], work_dir: Path, now_s: float
) -> None:
    """Add one look at all processes; `seen` holds the processor time that each had at the last look."""
    use.peak_resident_gb = max(use.peak_resident_gb, sum(sample.resident_gb for sample in samples))
    memory_gb: dict[str, float] = {}
    for sample in samples:
        step = step_of(sample.folder, work_dir)
        known = use.steps.setdefault(step, StepUse(now_s, now_s))
        known.last_s = now_s
        known.processor_s += sample.processor_s - seen.get(sample.pid, 0.0)
        seen[sample.pid] = sample.processor_s
        memory_gb[step] = memory_gb.get(step, 0.0) + sample.memory_gb
    if sum(memory_gb.values()) > use.peak_gb:
        use.peak_gb, use.at_peak_gb = sum(memory_gb.values()), memory_gb
    for step, total_gb in memory_gb.items():
        use.steps[step].peak_gb = max(use.steps[step].peak_gb, total_gb)


def step_of(folder: str, work_dir: Path) -> str:
    """Name the step that works in a folder: `sub__01_T1w/extract_brain`; its scratch folders are its own."""
    try:
        parts = Path(folder).relative_to(work_dir).parts
    except ValueError:
        return OUTSIDE
    return "/".join(takewhile(lambda part: not part.startswith(SCRATCH), parts))


def family(pid: int) -> Iterator[Sample]:
    """Yield a process and all its descendants."""
    samples = {sample.pid: sample for sample in all_processes()}
    wanted = {pid}
    # A child may have a lower number than its parent once numbers start again, hence until nothing is added.
    while more := {s.pid for s in samples.values() if s.parent in wanted} - wanted:
        wanted |= more
    for number in wanted & set(samples):
        resident = samples[number]
        yield resident._replace(memory_gb=proportional_gb(number, resident.resident_gb))


def proportional_gb(pid: int, resident_gb: float) -> float:
    """Proportional set of a process; what is resident where the system does not tell it, or the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return resident_gb
    return next((int(line.split()[1]) * 1.024e-6 for line in lines if line.startswith("Pss:")), resident_gb)


def all_processes() -> Iterator[Sample]:
    """Yield every process whose folder may be read, memory as resident; those that end meanwhile are left out."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            folder = os.readlink(entry / "cwd")
            # The name of the program, in parentheses, may hold spaces.
            words = (entry / "stat").read_text().rpartition(")")[2].split()
            pages = int((entry / "statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
        processor_s = (int(words[11]) + int(words[12])) / _TICKS_PER_S
        memory_gb = pages * _PAGE_GB
        yield Sample(int(entry.name), int(words[1]), folder, processor_s, memory_gb, memory_gb)
