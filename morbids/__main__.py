"""`morbids`, `run.py` and `python -m morbids`: the version is told before anything large is imported."""

import sys
from collections.abc import Sequence

VERSION = "--version"


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell the version, or run one level and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if VERSION in words:
        from importlib.metadata import version

        sys.stdout.write(f"morbids {version('morbids')}\n")
        return 0
    from morbids.late_imports import import_late

    import_late()
    from morbids.cli import main as run

    return run(words)


if __name__ == "__main__":
    sys.exit(main())
