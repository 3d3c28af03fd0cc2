"""Run one benchmark: `python -m benchmarks NAME [--quick]`."""

import argparse
import inspect
from importlib import import_module
from pathlib import Path

from benchmarks.report import report

# Modules of this package that are not benchmarks.
MACHINERY = {
    "__init__",
    "__main__",
    "cost_model",
    "crowd",
    "file_calls",
    "heads_atlas",
    "heads_case",
    "heads_masks",
    "heads_tissue",
    "observer",
    "recovery",
    "release_estimators",
    "release_intervals",
    "release_people",
    "release_truth",
    "report",
    "runs",
    "study_readings",
}
# What some benchmarks take beside --quick.
OPTIONS = ("data", "seed", "against", "scans", "parts")


def main() -> None:
    """Run the benchmark that the command line names, print its figures and save them."""
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in MACHINERY)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=names)
    parser.add_argument("--quick", action="store_true", help="smaller data, the same figures")
    parser.add_argument("--data", type=Path, help="folder of real heads with labels")
    parser.add_argument("--against", type=Path, help="checkout of another commit to time beside this one")
    parser.add_argument("--seed", type=int, help="of what happens when")
    parser.add_argument("--scans", type=int, help="largest number of scans in one run")
    parser.add_argument(
        "--parts", nargs="+", help="of `scale`: measure these anew, keep what is saved of the others"
    )
    arguments = parser.parse_args()
    benchmark = import_module(f"benchmarks.{arguments.name}")
    given = {name: getattr(arguments, name) for name in OPTIONS if getattr(arguments, name) is not None}
    if unknown := given.keys() - inspect.signature(benchmark.run).parameters.keys():
        parser.error(f"{arguments.name} has no use for --{', --'.join(sorted(unknown))}")
    figures = benchmark.run(arguments.quick, **given)
    if figures is not None:
        report("scan_real" if arguments.name == "scan" and arguments.data else arguments.name, figures)


if __name__ == "__main__":
    main()
