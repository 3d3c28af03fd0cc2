"""What a command asks of file systems, as strace sees it: calls on data, calls on files of programs, bytes read.

A call counts that names a path or lists a folder; those on a file that is open already ask no server for a name and do
not. Reading is followed for its bytes only.
"""

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_TRACED = "trace=%file,getdents64,flock,fsync,fdatasync,read,pread64"
# PID, name of the call, and what it was given; where others come between, the second half names no path.
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
_SECOND_HALF = re.compile(r"^(\d+) +<\.\.\. (?:p?read(?:64)?) resumed>(.*)$")
# What paths count from: the folder that a process works in, or one that it has opened.
_PLACE = re.compile(r"^(?:AT_FDCWD|\d+)<([^>]*)>")
_NAMED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_RETURNED = re.compile(r" = (\d+)(?:<.*>)?$")
_READING = ("read", "pread64")
_NAMES_NOTHING = "getcwd"


class FileCalls(NamedTuple):
    """Calls on files below some folders, calls on all others (modules, templates, fonts), MB read below the folders."""

    data: int
    program: int
    read_mb: float


def traced(command: Sequence[str], trace: Path) -> list[str]:
    """Words that run a command with its calls written to a file.

    Raises
    ------
    SystemExit
        There is no strace.
    """
    strace = shutil.which("strace")
    if strace is None:
        raise SystemExit("strace is not installed.")
    options = ("-f", "-y", "-qq", "--seccomp-bpf", "-e", _TRACED, "-e", "signal=none", "-s", "0")
    return [strace, *options, "-o", str(trace), *command]


def count_calls(trace: Path, folders: Sequence[Path]) -> FileCalls:
    """Count the calls of a trace."""
    below = tuple(f"{folder.absolute()}{os.sep}" for folder in folders)
    data = program = n_bytes = 0
    reading: dict[str, str] = {}
    with trace.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if half := _SECOND_HALF.match(line):
                n_bytes += _returned(half.group(2)) * _is_below(reading.pop(half.group(1), ""), below)
            elif call := _CALL.match(line):
                process, name, given = call.groups()
                if name in _READING:
                    reading[process] = _opened(given)
                    n_bytes += _returned(given) * _is_below(reading[process], below)
                elif name != _NAMES_NOTHING and (path := _path_of(given)):
                    is_data = _is_below(path, below)
                    data, program = data + is_data, program + (not is_data)
    return FileCalls(data, program, n_bytes / 1e6)


def _returned(rest: str) -> int:
    """What a call returned: 0 for an error, and for the first half of one that others came between."""
    found = _RETURNED.search(rest)
    return int(found.group(1)) if found else 0


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return f"{path}{os.sep}".startswith(tuple(folders))


def _opened(given: str) -> str:
    """The file or folder that stands first: an open one, or the one that a process works in."""
    place = _PLACE.match(given)
    return place.group(1) if place else ""


def _path_of(given: str) -> str:
    """Absolute path that a call is about; empty for one that only asks about a file that is open."""
    named = _NAMED.search(given)
    if named is None:
        return _opened(given)
    return os.path.join(_opened(given), named.group(1)) if named.group(1) else ""
