import subprocess
import sys

from morbids.numerics.compiled import compiled


def test_a_loop_that_cannot_be_cached_is_still_compiled() -> None:
    # Source that is in no file has no place for a cache: numba refuses, as in a read-only image.
    scope: dict[str, object] = {}
    exec("def twice(x):\n    return 2 * x\n", scope)
    assert compiled(scope["twice"])(21) == 42  # type: ignore[type-var, operator]


@compiled
def halve(x: float) -> float:
    return x / 2


@compiled
def halve_twice(x: float) -> float:
    return halve(halve(x))


def test_loops_call_each_other_without_the_interpreter() -> None:
    assert halve_twice(12.0) == 3.0
    loop = vars(halve_twice)["machine_code"]
    assert loop.nopython_signatures


def test_importing_compiles_nothing() -> None:
    program = (
        "from morbids.numerics.statistics import clusters, tfce\n"
        "for loop in (clusters._join_neighbours, tfce._integrate, tfce._find_root):\n"
        "    assert 'machine_code' not in vars(loop)\n"
        "assert 'numba' not in __import__('sys').modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
