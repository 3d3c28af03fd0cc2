"""Run greedy, the registration program of the ITK-SNAP team, in a child process."""

import json
import logging
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import morbids
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.greedy_process import FAILED_COMMAND

logger = logging.getLogger(__name__)

SEED = "1"


def run_greedy(commands: Sequence[Sequence[str]], threads: int) -> str:
    """Run greedy commands one after the other in one child process.

    Parameters
    ----------
    commands
        The options of each command, one string per word and files as paths, without the dimension and the
        number of threads and the seed (`-d 3 -threads N -seed 1` are put in front). Absolute paths may lie in folders
        whose names hold spaces or commas.
    threads
        How many threads greedy may use.

    Returns
    -------
    str
        What greedy printed.

    Raises
    ------
    MorbidsError
        A command failed (the message holds the command and greedy's reason), or the process was killed.
    """
    # Greedy moves its sample points by chance; without a seed the same images end a tenth of a millimetre apart.
    limits = ["-d", "3", "-threads", str(threads), "-seed", SEED]
    folder, commands = _within_one_folder(commands)
    lines = [shlex.join([*limits, *words]) for words in commands]
    start_s = perf_counter()
    process = subprocess.run(
        [sys.executable, "-m", "morbids.imaging.greedy_process"],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        env=_child_environment(threads),
        cwd=folder,
        check=False,
    )
    if process.returncode != 0:
        raise _failure(process, lines)
    logger.debug("greedy ran %d commands in %.1f s", len(lines), perf_counter() - start_s)
    return process.stdout


def _within_one_folder(commands: Sequence[Sequence[str]]) -> tuple[str | None, list[list[str]]]:
    """The folder that all absolute paths share, None without any, and the commands with paths from there.

    Greedy parts the name of a transform from its exponent at the first comma, also at one in the name of a folder.
    """
    parents = [os.path.dirname(word) for words in commands for word in words if os.path.isabs(word)]
    if not parents:
        return None, [list(words) for words in commands]
    folder = os.path.commonpath(parents)
    return folder, [
        [os.path.relpath(word, folder) if os.path.isabs(word) else word for word in words]
        for words in commands
    ]


def _child_environment(threads: int) -> dict[str, str]:
    """Environment of the child: this package can be imported there, and no library starts more threads."""
    package_parent = str(Path(morbids.__file__).parents[1])
    search_path = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(search_path),
        "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
    }


def _failure(process: subprocess.CompletedProcess[str], lines: Sequence[str]) -> MorbidsError:
    """Return the error that tells why the child process failed."""
    if process.returncode == FAILED_COMMAND:
        report = json.loads(process.stderr.strip().splitlines()[-1])
        return MorbidsError(
            f"Registration failed: {report['error']} (greedy {lines[report['command']]}).",
            "Look at the images named in the command: one may be empty, or they may not overlap.",
        )
    if process.returncode == -signal.SIGKILL:
        return MorbidsError(
            f"The registration process was killed, most likely for want of memory (greedy {lines[0]} ...).",
            "Give the job more memory, or run fewer steps at once with --nprocs.",
            ExitCode.FAILED,
        )
    if process.returncode < 0:
        name = signal.Signals(-process.returncode).name
        return MorbidsError(
            f"The registration process ended with signal {name} (greedy {lines[0]} ...).",
            "Look at the images named in the command.",
            ExitCode.FAILED,
        )
    return MorbidsError(
        f"The registration process could not run: {process.stderr.strip()[-2000:]}",
        "Check that the package picsl_greedy is installed for this Python.",
        ExitCode.FAILED,
    )
