"""Figures of a benchmark as a table on the screen and as JSON in benchmarks/results."""

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
# Packages whose version may change a figure.
PACKAGES = (
    "morbids",
    "numpy",
    "scipy",
    "numba",
    "nibabel",
    "nilearn",
    "SimpleITK",
    "picsl_greedy",
    "niftypad",
    "antspyx",
)


def report(name: str, figures: Mapping[str, float]) -> Path:
    """Print the figures and save them; returns the path of the file."""
    width = max(map(len, figures), default=0)
    for key, value in figures.items():
        print(f"{key:{width}}  {value:.4g}")
    return save(name, figures)


def save(name: str, figures: Mapping[str, float]) -> Path:
    """Write `results/<name>.json`; returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    content = {"machine": describe_machine(), "versions": find_versions(), "figures": dict(figures)}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path


def read_figures(name: str) -> dict[str, float]:
    """Figures that a benchmark has written before."""
    content: dict[str, dict[str, float]] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return content["figures"]


def describe_machine() -> str:
    """Processor, number of processors that may be used, memory, and system."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}, {cores} cores, {memory_gb:.0f} GB, {platform.system()} {platform.machine()}"


def find_versions() -> dict[str, str]:
    """Versions of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """Model of the processor, where the system tells."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"
