"""The command line: find the contrast, draw, write."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from morbids.arguments import Parser, number, run_command
from morbids.errors import ExitCode, MorbidsError
from morbids.figures.contrasts import choose_contrast, file_stem, find_contrasts, places_of
from morbids.figures.drawings import DRAWINGS, OPTIONS, Look
from morbids.reports.figures.place_table import VIEWS
from morbids.reports.figures.style import PUBLISHED, publish_figure

log = logging.getLogger("morbids.figures")

LIST = "list"
DESCRIPTION = (
    "Draw a figure of a finished group level anew, for a paper: slices (map, effect), one place (the map there, every "
    "participant before and after, the trait), the a-priori regions; or list contrasts and places."
)


def run(arguments: Any) -> str:
    """Draw what is asked for; return a sentence, or the list.

    Raises
    ------
    MorbidsError
        There are no results, or none of this name.
    """
    contrasts = find_contrasts(arguments.output_dir)
    if arguments.what == LIST:
        return "\n".join(f"{one.name}\n    places: {', '.join(places_of(one))}" for one in contrasts)
    drawing = DRAWINGS[arguments.what]
    unused = [f"--{name}" for name in sorted(OPTIONS - drawing.takes) if getattr(arguments, name) is not None]
    if unused:
        raise MorbidsError(
            f"{', '.join(unused)} has no use for '{arguments.what}'.", "Leave it out.", ExitCode.USAGE
        )
    contrast = choose_contrast(contrasts, arguments.contrast)
    size_in = None if arguments.size is None else (arguments.size[0], arguments.size[1])
    views = tuple(view for view in VIEWS if view in (arguments.views or VIEWS))
    look = Look(arguments.place, views, arguments.threshold, arguments.range, size_in)
    figure = drawing.draw(contrast, look)
    if size_in is not None:
        figure.set_size_inches(*size_in)
    stem = file_stem(contrast, arguments.what, arguments.place)
    out = arguments.output or Path(f"{stem}.{arguments.format}")
    return f"Wrote {publish_figure(figure, out, dpi=arguments.dpi)}"


def make_parser() -> Parser:
    """Every option of the command."""
    parser = Parser(prog="python -m morbids.figures", description=DESCRIPTION)
    add = parser.add_argument
    add("output_dir", type=Path, help="folder of the results, as given to the group level")
    add("what", choices=(*DRAWINGS, LIST), help="what to draw")
    add(
        "--contrast",
        metavar="NAME",
        help="value of contrast- in the names of its files; may be left out if there is one",
    )
    add("--place", metavar="NAME", help="a-priori region or clusterN, for the figure of a place")
    add("--size", nargs=2, type=number(0.5, 60), metavar=("WIDTH", "HEIGHT"), help="in inches")
    add("--views", nargs="+", choices=VIEWS, help="orientations of slices; default: all three")
    add(
        "--threshold",
        type=number(0, above=True),
        metavar="HEIGHT",
        help="colours are full from here; default: what forms clusters",
    )
    add(
        "--range",
        type=number(0, above=True),
        metavar="HEIGHT",
        help="end of the colours; default: the 99.5th percentile",
    )
    add(
        "--format",
        choices=[suffix.removeprefix(".") for suffix in PUBLISHED],
        default="svg",
        help="default: svg",
    )
    add(
        "--dpi",
        type=number(36, 2400),
        default=300,
        help="of images, also inside of svg and pdf; default: 300",
    )
    add(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="its ending is the format; default: named after the contrast",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_command(make_parser(), run, log, argv)
