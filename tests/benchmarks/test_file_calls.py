"""Calls on files, as strace tells of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.file_calls import FileCalls, count_calls, traced

TRACE = """\
10 openat(AT_FDCWD</home>, "/data/a.tsv", O_RDONLY|O_CLOEXEC) = 3</data/a.tsv>
10 newfstatat(3</data/a.tsv>, "", {st_mode=S_IFREG|0644, st_size=9, ...}, AT_EMPTY_PATH) = 0
10 read(3</data/a.tsv>, ""..., 4096)     = 1000000
10 newfstatat(AT_FDCWD</data/sub>, "b.tsv", {st_mode=S_IFREG|0644, st_size=9, ...}, 0) = 0
11 read(4</data/b.tsv>,  <unfinished ...>
10 stat("/database/c", 0x7ffe) = -1 ENOENT (No such file or directory)
10 getcwd("/data/sub", 4096) = 10
11 <... read resumed>""..., 4096) = 500000
10 getdents64(5</data>, 0x55 /* 9 entries */, 32768) = 216
10 read(6</usr/lib/x.so>, ""..., 4096)   = 4096
10 openat(7</data>, "d", O_RDONLY) = -1 ENOENT (No such file or directory)
10 rename("/data/.new", "/data/a.tsv") = 0
"""
WORK = """
import os, sys
from pathlib import Path
folder = Path(sys.argv[1])
for name in "ab":
    (folder / name).write_bytes(b"x" * 300_000)
for _ in range(3):
    (folder / "a").read_bytes()
os.chdir(folder)
os.stat("b")
os.listdir(".")
"""


def test_calls_are_told_apart_by_the_folder_that_they_are_about(tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    trace.write_text(TRACE)
    assert count_calls(trace, [Path("/data")]) == FileCalls(data=5, program=1, read_mb=1.5)
    assert count_calls(trace, [Path("/data/sub")]).data == 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_calls_of_a_command_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    trace = tmp_path / "trace.txt"
    command = [sys.executable, "-c", WORK, str(folder)]
    subprocess.run(traced(command, trace), check=True, env=os.environ)
    calls = count_calls(trace, [folder])
    # Two writes and three reads open five times; one goes there, one asks, one opens the folder and lists it in two.
    assert calls.data == 5 + 1 + 1 + 3
    assert calls.read_mb == pytest.approx(0.9)
    assert calls.program > 100
