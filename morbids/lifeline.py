"""Child processes that never outlive the program, and a program that ends in good order when it is told to."""

import ctypes
import os
import signal
import sys

# <sys/prctl.h>: the signal that this process gets when its parent ends.
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Let the kernel end this process when its parent ends, however that ends (Linux; no effect elsewhere)."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)


def interrupt_on_terminate() -> None:
    """Let SIGTERM (of a batch system, of `docker stop`) end the program as Ctrl-C does: by KeyboardInterrupt."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
