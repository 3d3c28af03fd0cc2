"""What tests of more than one folder use, and how files are shared out among processes."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.bids.conftest import dataset

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

__all__ = ["dataset"]

# The whole way takes as long as all else that one process gets: it begins first.
FIRST = "tests/test_end_to_end.py"
# These share a head, its brain and its way to the template, each of which is a registration.
OF_ONE_HEAD = [f"tests/imaging/test_{name}.py" for name in ("brain", "normalization", "reuse", "tissue")]


@pytest.fixture
def note_paths(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Give the list to which, from now on, each call of a function of `os` adds the path that it is given."""

    def begin(name: str) -> list[str]:
        noted: list[str] = []
        function = getattr(os, name)

        def note(path: Any, *arguments: Any, **options: Any) -> Any:
            noted.append(str(path))
            return function(path, *arguments, **options)

        monkeypatch.setattr(os, name, note)
        return noted

    return begin


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process is left alone with it at the end."""

    def rank(item: pytest.Item) -> int:
        if item.nodeid.startswith(FIRST):
            return 0
        return 1 if item.get_closest_marker("graph") else 2

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadFileScheduling":
    """Give each process a file at a time, in the order of the collection; files of one head go together."""
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return OF_ONE_HEAD[0] if file in OF_ONE_HEAD else file

    config.option.loadscopereorder = False
    return Files(config, log)
