"""Compile loops with numba, with or without a place for its cache."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(function: Loop) -> Loop:
    """Compile a loop at its first call, free of the interpreter's lock, and keep it on disk if possible.

    numba refuses ``cache=True`` where neither the source's folder nor the user's cache can be written (a
    read-only image run under an unknown user): the loop is then compiled once per process.
    """
    try:
        return cast(Loop, numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:
        return cast(Loop, numba.njit(nogil=True, error_model="numpy")(function))
