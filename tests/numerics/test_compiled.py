import subprocess
import sys

from morbids.numerics.compiled import compiled


def test_a_loop_that_cannot_be_cached_is_still_compiled() -> None:
    # Source that is in no file has no place for a cache: numba refuses, as in a read-only image.
    scope: dict[str, object] = {}
    exec("def twice(x):\n    return 2 * x\n", scope)
    assert compiled(scope["twice"])(21) == 42  # type: ignore[type-var, operator]


def test_importing_compiles_nothing() -> None:
    program = (
        "from morbids.numerics.statistics import clusters, tfce\n"
        "for loop in (clusters._join_neighbours, tfce._integrate, tfce._find_root):\n"
        "    assert not loop.signatures\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
