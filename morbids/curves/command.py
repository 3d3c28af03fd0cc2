"""The command line: regional kinetics of a folder of curves, and the group of their parameters."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from morbids.arguments import Parser, parsed, run_command, whole
from morbids.curves.values import parse_contrast
from morbids.errors import ExitCode, MorbidsError
from morbids.fit.command import add_fit_options

log = logging.getLogger("morbids.curves")

LEVELS = ("participant", "group")
DESCRIPTION = (
    "Kinetics and group tests without images. participant fits the table of curves of every scan (*_tacs.tsv, as "
    "PETPrep or this program write them); group tests regional parameters (*_kinpar.tsv of the participant level, else "
    "those of CURVES_DIR, also PETPrep's *_km-MODEL.tsv)."
)
# What the other level would not read.
_GROUP = (
    "contrast",
    "trait",
    "group_column",
    "covariate",
    "bids_dir",
    "measure",
    "n_permutations",
    "random_seed",
)
_FIT = (
    "reference",
    "tracer",
    "k2prime",
    "t_star",
    "window",
    "onset",
    "half_life",
    "weights",
    "frame_times",
    "time_unit",
)
_FOREIGN = {"participant": _GROUP, "group": (*_FIT, "time_unit")}


def make_parser() -> Parser:
    """Every option of the command."""
    parser = Parser(prog="python -m morbids.curves", description=DESCRIPTION)
    parser.add_argument("curves_dir", type=Path, help="folder of tables, named as in BIDS")
    parser.add_argument("output_dir", type=Path, help="receives parameters, tests and page")
    parser.add_argument("level", choices=LEVELS)
    parser.add_argument(
        "--select", type=parsed(parse_entity), nargs="+", default=[], metavar="KEY=VALUE",
        help="entities that names of tables must have, such as pvc=nopvc seg=gtm",
    )  # fmt: skip
    add_fit_options(parser)
    group = parser.add_argument_group("group")
    add = group.add_argument
    add("--measure", default="BPND", help="column of the tables of parameters; default %(default)s")
    add(
        "--contrast", type=parsed(parse_contrast), metavar="KEY-A:KEY-B",
        help="A minus B of each participant, such as ses-baseline:ses-blocked or window-baseline:window-task",
    )  # fmt: skip
    add("--trait", help="column of participants.tsv (or sessions, phenotype): a slope")
    add("--group-column", help="column that tells two groups apart")
    add("--covariate", nargs="+", default=[], metavar="COLUMN", help="columns that are taken out")
    add("--bids-dir", type=Path, help="dataset with participants.tsv; default CURVES_DIR")
    add("--n-permutations", type=whole(100), default=5000, metavar="N", help="default %(default)s")
    add("--random-seed", type=whole(0), default=0, metavar="N", help="default %(default)s")
    return parser


def parse_entity(text: str) -> tuple[str, str]:
    """Read KEY=VALUE.

    Raises
    ------
    MorbidsError
        The text has another form.
    """
    key, sign, value = text.partition("=")
    if not (key and sign and value):
        raise MorbidsError(f"{text!r} is not KEY=VALUE.", "", ExitCode.USAGE)
    return key, value.removeprefix(f"{key}-")


def run(arguments: argparse.Namespace) -> str:
    """Run one level; return a sentence.

    Raises
    ------
    MorbidsError
        The folder is not there, an option is of the other level, or as the level.
    """
    if not arguments.curves_dir.is_dir():
        raise MorbidsError(
            f"{arguments.curves_dir} is not a directory.", "Check the path.", ExitCode.NO_INPUT
        )
    defaults = make_parser()
    for name in _FOREIGN[arguments.level]:
        if getattr(arguments, name) != defaults.get_default(name):
            raise MorbidsError(
                f"--{name.replace('_', '-')} is not an option of the {arguments.level} level.",
                "Leave it out.",
                ExitCode.USAGE,
            )
    if arguments.trait and arguments.group_column:
        raise MorbidsError(
            "--trait and --group-column are two questions.", "Ask one at a time.", ExitCode.USAGE
        )
    if arguments.level == "participant":
        from morbids.curves.participant import fit_scans

        return fit_scans(arguments)
    from morbids.curves.group import analyse_group

    return analyse_group(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_command(make_parser(), run, log, argv)
