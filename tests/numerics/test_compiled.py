import os
import subprocess
import sys
import time
from pathlib import Path

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


def write_package(folder: Path, factor: int) -> Path:
    """Two modules, one of which calls a loop of the other."""
    folder.mkdir(parents=True, exist_ok=True)
    head = "from morbids.numerics.compiled import compiled\n"
    (folder / "inner.py").write_text(f"{head}@compiled\ndef scale(x):\n    return {factor} * x\n")
    outer = "from inner import scale\n@compiled\ndef scale_twice(x):\n    return scale(scale(x))\n"
    (folder / "outer.py").write_text(head + outer)
    return folder


def start_package(folder: Path, cache: Path) -> "subprocess.Popen[str]":
    """Print the result, and how often code was taken from disk and how often it was made."""
    program = (
        "import outer; print(outer.scale_twice(3), *(sum(hits.values()) for hits in"
        " (outer.scale_twice.machine_code.stats.cache_hits, outer.scale_twice.machine_code.stats.cache_misses)))"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join((str(Path(__file__).parents[2]), str(folder)))
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    )


def run_package(folder: Path, cache: Path) -> list[int]:
    told, _ = start_package(folder, cache).communicate()
    return [int(word) for word in told.split()]


def test_code_is_kept_wherever_the_package_lies(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert run_package(write_package(tmp_path / "first", 2), cache) == [12, 0, 1]
    assert run_package(write_package(tmp_path / "second", 2), cache) == [12, 1, 0]


def test_code_changes_with_the_loops_of_other_modules(tmp_path: Path) -> None:
    """numba itself looks at the file of the outer loop only, and would go on with the old inner one."""
    cache = tmp_path / "cache"
    assert run_package(write_package(tmp_path / "package", 2), cache) == [12, 0, 1]
    assert run_package(write_package(tmp_path / "package", 5), cache) == [75, 0, 1]
    assert run_package(write_package(tmp_path / "package", 2), cache) == [12, 1, 0]


def test_simultaneous_processes_make_code_once(tmp_path: Path) -> None:
    package = write_package(tmp_path / "package", 2)
    both = [start_package(package, tmp_path / "cache") for _ in range(2)]
    told = sorted(process.communicate()[0].split() for process in both)
    assert told == [["12", "0", "1"], ["12", "1", "0"]]


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    package, cache = write_package(tmp_path / "package", 2), tmp_path / "cache"
    first = start_package(package, cache)
    while first.poll() is None and not list(cache.glob("*/scale_twice.lock")):
        time.sleep(0.01)
    first.kill()
    first.wait()
    assert run_package(package, cache)[0] == 12


def test_without_a_folder_that_can_be_written_loops_are_compiled_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert run_package(write_package(tmp_path / "package", 2), tmp_path / "file") == [12, 0, 1]
    assert (tmp_path / "file").is_file()
