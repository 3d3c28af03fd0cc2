"""`python -m morbids.pool_k2prime OUT`: k2' of a group, for a second run of the participant level.

Participant jobs stay independent of each other: each reads the file that this command writes.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from morbids.arguments import Parser
from morbids.bids.pooled_efflux import pool_dataset
from morbids.errors import ExitCode, MorbidsError

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


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        arguments = make_parser().parse_args(argv)
    except SystemExit as stop:
        return ExitCode.USAGE if stop.code else ExitCode.OK
    out = arguments.output or arguments.output_dir / FILE
    try:
        pooled = pool_dataset(arguments.output_dir, out, arguments.tracer_label)
    except MorbidsError as error:
        log.error("%s", error)
        return error.exit_code
    log.info("k2' %.4f ± %.2g /min, %.2g between scans: %s", *pooled, out)
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
