"""Compile loops with numba, with or without a place for its cache."""

import hashlib
import inspect
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])


class Loop:
    """A loop that is compiled when it is first called; numba itself is imported no earlier."""

    def __init__(self, function: FunctionType) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        """Run it."""
        if "_is_ready" not in vars(self):
            self._is_ready = self._compile(arguments)
        return self.machine_code(*arguments)

    def _compile(self, arguments: tuple[Any, ...]) -> bool:
        """Take the machine code for such arguments from the cache, or make it while other processes wait for it."""
        from morbids.numerics.kept_code import made_by_one, types_of

        with made_by_one(self.machine_code):
            self.machine_code.compile(types_of(arguments))
        return True

    @cached_property
    def machine_code(self) -> Any:
        """The compiled loop, which calls other compiled loops directly.

        Code is not kept where neither the cache, the source's folder nor the user's can be written (a read-only
        image run under an unknown user): the loop is then compiled once per process.
        """
        import numba

        from morbids.numerics.kept_code import keep_code

        function = self.function
        others = {name: loop.machine_code for name, loop in self.called.items()}
        own = FunctionType(function.__code__, {**function.__globals__, **others}, function.__name__)
        own.__module__, own.__qualname__ = function.__module__, function.__qualname__
        loop = numba.njit(nogil=True, error_model="numpy")(own)
        keep_code(loop, self.digest)
        return loop

    @cached_property
    def digest(self) -> str:
        """Changes with the source of the loop and of all that it calls, of which numba would not know."""
        sources = hashlib.sha256(_source_of(self.function))
        for _, loop in sorted(self.called.items()):
            sources.update(loop.digest.encode())
        return sources.hexdigest()

    @property
    def called(self) -> dict[str, "Loop"]:
        """Other loops that it calls, by the names that it knows them by."""
        function = self.function
        named = {name: function.__globals__.get(name) for name in function.__code__.co_names}
        return {name: one for name, one in named.items() if isinstance(one, Loop)}


def _source_of(function: FunctionType) -> bytes:
    """The file that a function is in, whose constants it may use; its code alone where there is none."""
    path = Path(inspect.getfile(function))
    return path.read_bytes() if path.is_file() else function.__code__.co_code


def compiled(function: Function) -> Function:
    """Compile a loop at its first call, free of the interpreter's lock, and keep it on disk if possible."""
    return cast(Function, Loop(cast(FunctionType, function)))
