"""Limits as clusters and containers set them: each is seen, the smallest counts and is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from morbids.limits import memory_gb, processors

MACHINE_GB = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
MIB = 2**20


def system(folder: Path, cgroup: str, files: dict[str, str]) -> Path:
    """A /proc and a /sys as the process would see them."""
    for name, text in {"proc/self/cgroup": cgroup, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder


def test_without_limits_the_machine_is_the_limit(tmp_path: Path) -> None:
    limit = memory_gb({}, tmp_path)
    assert limit.value == pytest.approx(MACHINE_GB)
    assert limit.source == "the machine"
    assert tuple(processors({}, tmp_path)) == (len(os.sched_getaffinity(0)), "the machine")


@pytest.mark.parametrize(
    ("environment", "gigabytes", "source"),
    [
        ({"SLURM_MEM_PER_NODE": "512"}, 512 * MIB / 1e9, "SLURM_MEM_PER_NODE"),
        ({"SLURM_MEM_PER_CPU": "256", "SLURM_CPUS_ON_NODE": "2"}, 512 * MIB / 1e9, "SLURM_MEM_PER_CPU"),
        ({"PBS_RESC_MEM": str(512 * MIB)}, 512 * MIB / 1e9, "PBS_RESC_MEM"),
        ({"LSB_CG_MEMLIMIT": hex(512 * MIB)}, 512 * MIB / 1e9, "LSB_CG_MEMLIMIT"),
        ({"SLURM_MEM_PER_NODE": "0"}, MACHINE_GB, "the machine"),
        ({"SLURM_MEM_PER_NODE": "unlimited"}, MACHINE_GB, "the machine"),
    ],
)
def test_memory_of_a_job(environment: dict[str, str], gigabytes: float, source: str, tmp_path: Path) -> None:
    limit = memory_gb(environment, tmp_path)
    assert limit.value == pytest.approx(gigabytes)
    assert limit.source == source


def test_a_nested_control_group_of_version_2(tmp_path: Path) -> None:
    """The limit stands at an outer group, the process in an inner one without."""
    job = "sys/fs/cgroup/system.slice/slurmstepd.scope/job_7"
    files = {
        f"{job}/memory.max": str(300 * MIB),
        f"{job}/step_0/memory.max": "max",
        f"{job}/cpu.max": "150000 100000",
    }
    root = system(tmp_path, "0::/system.slice/slurmstepd.scope/job_7/step_0", files)
    limit = memory_gb({}, root)
    assert limit.value == pytest.approx(300 * MIB / 1e9)
    assert limit.source == "the control group (memory.max)"
    assert processors({}, root).value == min(2, len(os.sched_getaffinity(0)))


def test_a_control_group_of_version_1(tmp_path: Path) -> None:
    top = "sys/fs/cgroup/memory"
    files = {
        f"{top}/memory.limit_in_bytes": str(2**63 - 4096),
        f"{top}/slurm/uid_1/memory.limit_in_bytes": str(200 * MIB),
        "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
        "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
    }
    root = system(tmp_path, "9:name=systemd:/\n4:memory:/slurm/uid_1\n3:cpu:/", files)
    limit = memory_gb({}, root)
    assert limit.value == pytest.approx(200 * MIB / 1e9)
    assert limit.source == "the control group (memory.limit_in_bytes)"
    assert processors({}, root).source == "the machine"


def test_a_container_that_sees_only_its_own_top(tmp_path: Path) -> None:
    root = system(tmp_path, "0::/", {"sys/fs/cgroup/memory.max": str(400 * MIB)})
    assert memory_gb({"SLURM_MEM_PER_NODE": "4096"}, root).value == pytest.approx(400 * MIB / 1e9)


@pytest.mark.parametrize("name", ["SLURM_CPUS_PER_TASK", "PBS_NCPUS", "LSB_DJOB_NUMPROC", "NSLOTS"])
def test_processors_of_a_job(name: str, tmp_path: Path) -> None:
    assert processors({name: "1"}, tmp_path).value == 1
    assert processors({name: "100000"}, tmp_path).source == "the machine"


def test_the_address_space_of_the_shell_is_a_limit() -> None:
    """Grid Engine's h_vmem is such a limit."""
    ask = "from morbids.limits import memory_gb; print(*memory_gb(), sep='|')"
    shell = f'ulimit -v 4000000; exec "{sys.executable}" -c "{ask}"'
    told = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    gigabytes, source = told.strip().split("|")
    assert float(gigabytes) <= 4000000 * 1024 / 1e9 + 1e-9
    assert source in ("ulimit -v", "the machine") or "control group" in source
