"""Compile loops with numba, with or without a place for its cache."""

from collections.abc import Callable
from functools import cached_property
from types import FunctionType
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])


class Loop:
    """A loop that is compiled when it is first called; numba itself is imported no earlier."""

    def __init__(self, function: FunctionType) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        """Run it."""
        return self.machine_code(*arguments)

    @cached_property
    def machine_code(self) -> Callable[..., Any]:
        """The compiled loop, which calls other compiled loops directly.

        numba refuses ``cache=True`` where neither the source's folder nor the user's cache can be written (a
        read-only image run under an unknown user): the loop is then compiled once per process.
        """
        import numba

        function = self.function
        called = {name: function.__globals__.get(name) for name in function.__code__.co_names}
        others = {name: one.machine_code for name, one in called.items() if isinstance(one, Loop)}
        own = FunctionType(function.__code__, {**function.__globals__, **others}, function.__name__)
        own.__module__, own.__qualname__ = function.__module__, function.__qualname__
        try:
            loop = numba.njit(cache=True, nogil=True, error_model="numpy")(own)
        except RuntimeError:
            loop = numba.njit(nogil=True, error_model="numpy")(own)
        return cast(Callable[..., Any], loop)


def compiled(function: Function) -> Function:
    """Compile a loop at its first call, free of the interpreter's lock, and keep it on disk if possible."""
    return cast(Function, Loop(cast(FunctionType, function)))
