"""What this process may use of the machine, as clusters, control groups and the system limit it: memory, processors.

The smallest limit counts, and its name is kept: the first line of a run says where the number is from.
"""

import math
import os
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

GB = 1e9
_MIB = 2.0**20
# Control groups of version 1 write a number near 2^63 for no limit.
_NO_LIMIT = 2.0**60
# What schedulers say of processors: Slurm, PBS, LSF, Grid Engine.
PROCESSOR_VARIABLES = (
    "SLURM_CPUS_PER_TASK",
    "SLURM_CPUS_ON_NODE",
    "PBS_NCPUS",
    "NCPUS",
    "LSB_DJOB_NUMPROC",
    "NSLOTS",
)


class Limit(NamedTuple):
    """A limit, and what sets it."""

    value: float
    source: str


def memory_gb(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Limit:
    """Memory that this process may use, in GB (1e9 bytes).

    Parameters
    ----------
    environment
        Variables of the scheduler: SLURM_MEM_PER_NODE, SLURM_MEM_PER_CPU, PBS_RESC_MEM, LSB_CG_MEMLIMIT.
    root
        Where /proc and /sys lie.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [
        Limit(machine, "the machine"),
        *_scheduler_bytes(environment),
        *_control_group_bytes(root),
        *_process_bytes(),
    ]
    least = min(limits, key=lambda limit: limit.value)
    return Limit(least.value / GB, least.source)


def processors(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Limit:
    """Processors that this process may use: its affinity, what the scheduler gave, the quota of its control group."""
    limits = [Limit(len(os.sched_getaffinity(0)), "the machine")]
    for name in PROCESSOR_VARIABLES:
        given = _number(environment.get(name, ""))
        if given >= 1:
            limits.append(Limit(given, name))
            break
    limits += _control_group_processors(root)
    least = min(limits, key=lambda limit: limit.value)
    return Limit(max(int(least.value), 1), least.source)


def _scheduler_bytes(environment: Mapping[str, str]) -> Iterator[Limit]:
    """Memory of a job, as its scheduler tells it; 0 stands for all of the machine in Slurm."""
    per_node = _number(environment.get("SLURM_MEM_PER_NODE", ""))
    per_processor = _number(environment.get("SLURM_MEM_PER_CPU", ""))
    n_processors = _number(environment.get("SLURM_CPUS_ON_NODE", environment.get("SLURM_CPUS_PER_TASK", "1")))
    known = {
        "SLURM_MEM_PER_NODE": per_node * _MIB,
        "SLURM_MEM_PER_CPU": per_processor * n_processors * _MIB,
        "PBS_RESC_MEM": _number(environment.get("PBS_RESC_MEM", "")),
        "LSB_CG_MEMLIMIT": _number(environment.get("LSB_CG_MEMLIMIT", ""), base=16),
    }
    yield from (Limit(value, name) for name, value in known.items() if value > 0)


def _control_group_bytes(root: Path) -> Iterator[Limit]:
    """Memory limits of this process' control group and of those it lies in, version 2 and 1."""
    for folder, controllers in _control_groups(root):
        for name in ("memory.max", "memory.high") if not controllers else ("memory.limit_in_bytes",):
            value = _read_number(folder / name)
            if 0 < value < _NO_LIMIT:
                yield Limit(value, f"the control group ({name})")


def _control_group_processors(root: Path) -> Iterator[Limit]:
    """Processor time that control groups allow, in processors."""
    for folder, controllers in _control_groups(root):
        if controllers:
            quota, period = (_read_number(folder / f"cpu.cfs_{what}_us") for what in ("quota", "period"))
        else:
            words = _read(folder / "cpu.max").split() or ["max"]
            quota, period = _number(words[0]), _number(words[-1])
        if quota > 0 and period > 0:
            yield Limit(math.ceil(quota / period), "the control group (processor quota)")


def _control_groups(root: Path) -> Iterator[tuple[Path, str]]:
    """Folders of this process' control groups, innermost first, with the controllers (none in version 2).

    Inside a container the path of /proc may not be visible: then only the top of the hierarchy is, which is its own.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        top = root / "sys/fs/cgroup"
        own = [one for one in controllers.split(",") if one in ("memory", "cpu")]
        if controllers and not own:
            continue
        mount = top / own[0] if own else top
        inner = mount / path.lstrip("/")
        while inner != mount and mount in inner.parents:
            yield inner, controllers
            inner = inner.parent
        yield mount, controllers


def _process_bytes() -> Iterator[Limit]:
    """Address space that the shell or Grid Engine's h_vmem allows one process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        yield Limit(soft, "ulimit -v")


def _read(path: Path) -> str:
    """Text of a file of the system; empty where there is none, or it may not be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _read_number(path: Path) -> float:
    return _number(_read(path))


def _number(text: str, base: int = 10) -> float:
    """A whole number; 0 where there is none, such as the `max` of a control group."""
    try:
        return float(int(text, base))
    except ValueError:
        return 0.0
