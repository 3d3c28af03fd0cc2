"""Machine code on disk: by what its sources hold, wherever they lie, and made by one process at a time.

numba runs what it unpickles: the folder that NUMBA_CACHE_DIR names must be writable by the user alone
(`morbids.cli` and the image's entrypoint see to it).
"""

import contextlib
import fcntl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from platformdirs import user_cache_dir

DIGEST = "morbids_digest"


class _Place(_CacheLocator):
    """A folder by the digest of all sources: a package that is installed anew or elsewhere finds its code."""

    def __init__(self, root: Path, digest: str, line: int) -> None:
        self.root, self.digest, self.line = root, digest, line

    def get_cache_path(self) -> str:
        return str(self.root / f"morbids-{self.digest[:16]}")

    def get_source_stamp(self) -> str:
        return self.digest

    def get_disambiguator(self) -> str:
        return str(self.line)

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Self | None:
        """The folder that was given; else, beside the source or in the user's cache, the first that can be written."""
        if not Path(py_file).is_file():
            return None
        usual = (Path(py_file).parent / "__pycache__", Path(user_cache_dir("morbids")) / "numba_cache_dir")
        given = numba.config.CACHE_DIR  # type: ignore[attr-defined]
        for root in (Path(given),) if given else usual:
            place = cls(root, getattr(py_func, DIGEST), py_func.__code__.co_firstlineno)
            with contextlib.suppress(OSError):
                place.ensure_cache_path()  # type: ignore[no-untyped-call]
                return place
        return None


class _Places(CompileResultCacheImpl):
    _locator_classes = [_Place]  # type: ignore[list-item]  # noqa: RUF012


class _KeptCode(FunctionCache):
    _impl_class = _Places


def keep_code(loop: Any, digest: str) -> None:
    """Let a loop that numba compiles keep its code on disk, where a folder for it can be written."""
    setattr(loop.py_func, DIGEST, digest)
    # Without a folder, numba raises a RuntimeError.
    with contextlib.suppress(RuntimeError):
        loop._cache = _KeptCode(loop.py_func)  # type: ignore[no-untyped-call]


def types_of(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """The types that numba sees in arguments."""
    return tuple(map(numba.typeof, arguments))


@contextlib.contextmanager
def made_by_one(loop: Any) -> Iterator[None]:
    """Hold a loop while it is compiled: who waits finds the code on disk, which takes seconds to make."""
    folder = getattr(loop._cache, "cache_path", None)
    if folder is None:
        yield
        return
    with contextlib.ExitStack() as held:
        # Without a lock, or where the folder has just been removed, several processes make the same code.
        with contextlib.suppress(OSError):
            lock = held.enter_context(Path(folder, f"{loop.py_func.__name__}.lock").open("w"))
            # The system frees the lock when a process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
