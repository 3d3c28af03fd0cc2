"""Which errors for people no test reaches: `python -m tests.unreached_raises`, a part of `make coverage`.

Every `raise` in the program whose exception is not one of Python's own, with its line and what it says. Those that no
test can come to are `JUSTIFIED`; any other ends with 1, and so does a reason that is no longer needed.
"""

import ast
import builtins
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from coverage import Coverage, CoverageData

ROOT = Path(__file__).parents[1]
# Why no test reaches an error, by file and a part of the raise's text.
JUSTIFIED: Mapping[tuple[str, str], str] = {
    (
        "morbids/imaging/brain.py",
        "No brain was found",
    ): "greedy leaves some of the template in every image that was tried",
}


class Raise(NamedTuple):
    """A `raise` in a file: its first and last line, and the beginning of its text."""

    file: Path
    first: int
    last: int
    text: str


def find_raises(file: Path) -> Iterator[Raise]:
    """Every `raise` of an error of ours."""
    source = file.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and not _is_builtin(node.exc.func):
            said = ast.get_source_segment(source, node) or ""
            yield Raise(file, node.lineno, node.end_lineno or node.lineno, " ".join(said.split())[:100])


def _is_builtin(raised: ast.expr) -> bool:
    return isinstance(raised, ast.Name) and hasattr(builtins, raised.id)


def find_unreached(folder: Path, data: CoverageData) -> Iterator[Raise]:
    """Those that the measured tests never came to."""
    for file in sorted(folder.rglob("*.py")):
        reached = set(data.lines(str(file)) or ())
        yield from (one for one in find_raises(file) if not reached & set(range(one.first, one.last + 1)))


def judge(
    unreached: Sequence[Raise], justified: Mapping[tuple[str, str], str]
) -> tuple[list[Raise], list[tuple[str, str]]]:
    """Those without a reason, and reasons without one of them."""
    of = {
        one: [key for key in justified if key[0] == str(one.file.relative_to(ROOT)) and key[1] in one.text]
        for one in unreached
    }
    used = {key for keys in of.values() for key in keys}
    return [one for one, keys in of.items() if not keys], [key for key in justified if key not in used]


def main() -> int:
    """Print them; 1 where some have no reason, or reasons are left over."""
    coverage = Coverage(data_file=str(ROOT / ".coverage"), config_file=str(ROOT / "pyproject.toml"))
    coverage.load()
    folder = ROOT / "morbids"
    unreached = list(find_unreached(folder, coverage.get_data()))
    unjustified, stale = judge(unreached, JUSTIFIED)
    for one in unreached:
        why = "" if one in unjustified else " (justified)"
        sys.stdout.write(f"{one.file.relative_to(ROOT)}:{one.first}: {one.text}{why}\n")
    for file, text in stale:
        sys.stdout.write(f"{file}: '{text}' is reached, or gone: take it out of JUSTIFIED.\n")
    n_all = sum(1 for file in folder.rglob("*.py") for _ in find_raises(file))
    counted = f"{len(unreached)} of {n_all} errors are reached by no test"
    sys.stdout.write(f"{counted}, {len(unreached) - len(unjustified)} of them with a reason.\n")
    return 1 if unjustified or stale else 0


if __name__ == "__main__":
    sys.exit(main())
