"""Processes that end with their parent, and signals that end the program in good order."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from morbids.lifeline import interrupt_on_terminate

pytestmark = pytest.mark.graph

PARENT = """
import subprocess, sys, time
child = "import time; from morbids.lifeline import die_with_parent as die; die(); print(1, flush=True); time.sleep(60)"
process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's service is Linux's")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert Path(f"/proc/{child}").exists()
    parent.kill()
    parent.wait()
    for _ in range(100):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or " Z " in state.read_text():
            return
        time.sleep(0.05)
    pytest.fail("the child goes on")


def test_sigterm_is_told_as_ctrl_c_is() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        interrupt_on_terminate()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
