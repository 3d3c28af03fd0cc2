"""`python -m morbids.pool_k2prime OUT`: k2' of a group, for a second run of the participant level.

Participant jobs stay independent of each other: each reads the file that this command writes.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from morbids.arguments import Parser, run_command
from morbids.bids.pooled_efflux import pool_dataset

log = logging.getLogger("morbids.pool_k2prime")

FILE = "k2prime.json"
DESCRIPTION = (
    "Pool k2' of the reference region over the scans of a derivative dataset. `run.py ... participant --k2prime FILE` "
    "then combines each scan's own estimate with the group's instead of the literature's."
)


def make_parser() -> Parser:
    """Every option of the command."""
    parser = Parser(prog="python -m morbids.pool_k2prime", description=DESCRIPTION)
    parser.add_argument("output_dir", type=Path, help="derivative dataset with finished scans")
    parser.add_argument("--tracer-label", metavar="LABEL", help="only scans with this value of trc-")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help=f"default: {FILE} in the derivative dataset"
    )
    return parser


def run(arguments: Any) -> str:
    """Pool and write; return a sentence.

    Raises
    ------
    MorbidsError
        As `pool_dataset`.
    """
    out = arguments.output or arguments.output_dir / FILE
    k2_prime, error, spread = pool_dataset(arguments.output_dir, out, arguments.tracer_label)
    return f"k2' {k2_prime:.4f} ± {error:.2g} /min, {spread:.2g} between scans: {out}"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_command(make_parser(), run, log, argv)


if __name__ == "__main__":
    sys.exit(main())
