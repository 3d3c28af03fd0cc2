"""What the user decides: `Settings` change results and are saved with them, `Resources` do not."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from morbids.errors import ExitCode, MorbidsError

Level = Literal["participant", "group"]


@dataclass(frozen=True)
class OutputSpace:
    """A template space and the edge of its voxels."""

    space: str
    resolution_mm: float

    @property
    def resolution_label(self) -> str:
        """The value of the `res-` entity: the edge in mm."""
        return f"{self.resolution_mm:g}".replace(".", "p")


@dataclass(frozen=True)
class WindowRequest:
    """A window that the user named on the command line, in minutes from injection."""

    name: str
    start_min: float
    end_min: float


@dataclass(frozen=True)
class Settings:
    """Everything that changes a result.

    `None` means: take the tracer's preset.
    """

    model: str | None = None
    reference: str | None = None
    k2_prime_per_min: float | Literal["estimate"] | None = None
    t_star_min: float | None = None
    windows: tuple[WindowRequest, ...] = ()
    motion: bool = True
    atlas: str = "AAL"
    output_spaces: tuple[OutputSpace, ...] = (OutputSpace("MNI152NLin2009cAsym", 2.0),)
    pet_smoothing_fwhm_mm: float = 0.0
    group_smoothing_fwhm_mm: float = 6.0
    mask_threshold: float = 0.2
    cluster_forming_p: float = 0.001
    random_seed: int = 0


@dataclass(frozen=True)
class Resources:
    """What a run may use; never part of a result."""

    n_procs: int
    omp_n_threads: int
    mem_gb: float
    work_dir: Path
    stop_on_first_crash: bool = False
    verbosity: int = 0


def available_processors() -> int:
    """Processors that this process may run on (an allocation may be smaller than the machine)."""
    return len(os.sched_getaffinity(0))


def available_memory_gb() -> float:
    """Memory that this process may use: of the machine, or of its control group where that is less."""
    machine_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        return min(machine_gb, int(text) / 1e9)
    return machine_gb


def parse_window(text: str) -> WindowRequest:
    """Read `NAME=START-END` (min from injection).

    Raises
    ------
    MorbidsError
        The text has another form, or the window ends before it starts.
    """
    name, _, limits = text.partition("=")
    start, _, end = limits.partition("-")
    try:
        window = WindowRequest(name.strip(), float(start), float(end))
    except ValueError:
        raise MorbidsError(
            f"--window {text!r} cannot be read.",
            "Write NAME=START-END in minutes from injection, such as --window baseline=10-40.",
            ExitCode.USAGE,
        ) from None
    if not window.name.isalnum() or window.end_min <= window.start_min:
        raise MorbidsError(
            f"--window {text!r}: the name must be letters and digits, and the end after the start.",
            "For example --window baseline=10-40.",
            ExitCode.USAGE,
        )
    return window


def parse_output_space(text: str) -> OutputSpace:
    """Read a template identifier with an optional resolution: `MNI152NLin2009cAsym[:res-2]`.

    Raises
    ------
    MorbidsError
        The resolution is not a positive number.
    """
    space, _, modifier = text.partition(":")
    resolution = modifier.removeprefix("res-") if modifier else "2"
    try:
        output_space = OutputSpace(space, float(resolution))
    except ValueError:
        output_space = OutputSpace("", 0.0)
    if not output_space.space.isalnum() or output_space.resolution_mm <= 0:
        raise MorbidsError(
            f"--output-spaces {text!r} cannot be read.",
            "Write SPACE or SPACE:res-MM, such as MNI152NLin2009cAsym:res-2.",
            ExitCode.USAGE,
        )
    return output_space
