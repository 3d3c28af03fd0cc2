"""Large libraries that are imported where they are first used: planning a run and building its graph need none of them.

A graph names the functions of all steps, so that building it imports every module of theirs; without this, each job
spends seconds on libraries that only its workers use.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import LazyLoader
from types import ModuleType

# Modules whose names are used as `module.name`; `from module import name` imports at once, as ever.
LATE = frozenset(
    {"scipy.interpolate", "scipy.linalg", "scipy.ndimage", "scipy.optimize", "scipy.special", "scipy.stats"}
)
LATE_PACKAGE = "morbids.reports.figures."


class LateFinder(MetaPathFinder):
    """Finds modules as the others do, and puts their execution off until something of them is asked for."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the late modules; leave all others to the other finders."""
        if name not in LATE and not name.startswith(LATE_PACKAGE):
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = LazyLoader(spec.loader)
                return spec
        return None


def import_late() -> None:
    """Put off, in this process and from now on, what `LATE` names; calling it again changes nothing."""
    if not any(isinstance(finder, LateFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, LateFinder())
