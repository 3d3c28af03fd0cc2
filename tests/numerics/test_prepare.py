"""Loops that are compiled ahead are all that there are, and those that fits ask for."""

import importlib
import pkgutil
from collections.abc import Iterator

from morbids import numerics
from morbids.numerics.compiled import Loop
from morbids.numerics.prepare import prepare_loops


def all_loops() -> Iterator[Loop]:
    for module in pkgutil.walk_packages(numerics.__path__, "morbids.numerics."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Loop):
                yield value


def test_every_loop_is_prepared() -> None:
    prepare_loops()
    # A loop that others call is compiled with them, wherever they were taken from.
    called = {id(inner) for loop in all_loops() for inner in loop.called.values()}
    missing = [
        loop.function.__qualname__
        for loop in all_loops()
        if id(loop) not in called and not loop.machine_code.signatures
    ]
    assert not missing
