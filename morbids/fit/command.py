"""The command line: read a table of curves, fit it, write parameters, settings and figures."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from morbids.arguments import Parser, number, or_word, parsed, run_command
from morbids.bids.curve_tables import PER_MINUTE, CurveTable, read_curves
from morbids.bids.windows import Window, parse_window
from morbids.errors import MorbidsError
from morbids.fit.choices import Choices, settle
from morbids.fit.outputs import draw_figures, write_comparison, write_parameters, write_sidecar
from morbids.fit.wishes import ESTIMATE, FIND, FIT, NONE, Wishes
from morbids.numerics.kinetics.estimates import Estimates
from morbids.numerics.kinetics.impulses import MOST_BLOOD
from morbids.numerics.kinetics.information import check_comparable
from morbids.numerics.kinetics.input_function import MOST_DELAY_S, InputRules
from morbids.numerics.kinetics.intervals import with_sampling_errors
from morbids.numerics.kinetics.model_names import ModelName, find_model
from morbids.numerics.kinetics.models import fit_model
from morbids.numerics.kinetics.parent_fraction import PARENT_RULES

log = logging.getLogger("morbids.fit")

# Slower efflux, per minute, is none; faster is no tissue's.
LOWEST_RATE, HIGHEST_RATE = 1e-6, 10.0
DESCRIPTION = (
    "Fit kinetic models with a reference region, or with blood, to a table of curves, a row per frame and a column per "
    "region, as PETPrep, kinfitr, PMOD (.tac, .voistat), Turku (.dft) or a spreadsheet write it."
)


class Fitted(NamedTuple):
    """A table of curves, what was chosen for it, and its estimates by window."""

    table: CurveTable
    choices: Choices
    fits: dict[str, Estimates]


def run(arguments: Any) -> Path:
    """Read the table, fit it, and write the parameters.

    Raises
    ------
    MorbidsError
        As `read_curves`, `settle` and `fit_model`.
    """
    fitted = fit_curves(arguments, arguments.compare)
    output, windowed = write_fitted(fitted, arguments, Path(arguments.output)), bool(arguments.window)
    table, choices, fits = fitted
    if arguments.compare:
        compared = tuple(dict.fromkeys((choices.model, *arguments.compare)))
        write_comparison(compared, table, choices, output.with_name(f"{output.stem}_comparison.tsv"))
    if arguments.figures is not None:
        for path in draw_figures(fits, table, choices, arguments.figures, windowed=windowed):
            log.info("Drew %s", path)
    return output


def write_fitted(fitted: Fitted, arguments: Any, output: Path) -> Path:
    """Write the parameters and, beside them, every setting."""
    windowed = bool(arguments.window)
    inputs = {
        "Sources": [str(path) for path in (arguments.tacs, arguments.reference_file) if path],
        ("RegionOfDelay" if arguments.blood else "ReferenceRegion"): arguments.reference,
    }
    write_parameters(fitted.fits, fitted.table, output, windowed=windowed)
    write_sidecar(inputs, fitted.table, fitted.choices, output.with_suffix(".json"), windowed=windowed)
    return output


def fit_curves(arguments: Any, compared: Sequence[ModelName] = ()) -> Fitted:
    """Read a table and fit it, where models can be compared with its own; errors as for `run`."""
    table = read_curves(
        arguments.tacs,
        arguments.reference,
        time_unit=arguments.time_unit,
        reference_file=arguments.reference_file,
        frame_times=arguments.frame_times,
        with_plasma=bool(arguments.blood),
    )
    for note in table.notes:
        log.warning("%s", note)
    wishes = Wishes(
        tracer=arguments.tracer,
        model=arguments.model,
        k2_prime=arguments.k2prime,
        t_star=arguments.t_star,
        windows=tuple(arguments.window),
        onset_min=arguments.onset,
        weights=arguments.weights,
        half_life_min=arguments.half_life,
        blood=tuple(arguments.blood),
        input_rules=InputRules(
            parent=arguments.parent_fraction,
            delay_s=None if arguments.blood_delay == ESTIMATE else arguments.blood_delay,
            blood_volume=arguments.blood_volume if isinstance(arguments.blood_volume, float) else None,
        ),
        fits_blood_volume=arguments.blood_volume == FIT,
    )
    choices = settle(table, wishes, arguments.tacs)
    if compared:
        check_comparable(tuple(dict.fromkeys((choices.model, *compared))))
    _tell(choices)
    return Fitted(
        table, choices, {window.name: fit_window(table, choices, window) for window in choices.windows}
    )


def _tell(choices: Choices) -> None:
    """Say what was chosen for the user, and what to mind."""
    log.info("%s, t* %g min: %s", choices.model, choices.t_star_min, choices.facts["tstarSource"])
    if choices.options.k2_prime is not None:
        log.info("k2' %.4f per min: %s", choices.options.k2_prime, choices.facts["k2primeSource"])
    if "BloodDelay" in choices.facts:
        log.info(
            "Blood is moved by %+.1f s (%s), parent fraction: %s",
            *(choices.facts[name] for name in ("BloodDelay", "BloodDelaySource", "ParentFraction")),
        )
    for note in choices.notes:
        log.warning("%s", note)


def fit_window(table: CurveTable, choices: Choices, window: Window) -> Estimates:
    """Fit every curve to the frames of one window; an error names the window."""
    points = choices.points(table, window)
    options = replace(choices.options, points=points)
    curves = table.curves, choices.driving
    try:
        estimates = fit_model(choices.model, *curves, table.frames, options)
    except MorbidsError as error:
        raise MorbidsError(f"Window {window.name}: {error.message}", error.hint, error.exit_code) from error
    if choices.noise is not None:
        estimates = with_sampling_errors(
            estimates, choices.model, curves, table.frames, options, choices.noise
        )
    log.info("Window %s: %d frames, %d failed fits", window.name, points.sum(), estimates.n_failed)
    return choices.missing[window.name].widen(estimates)


def make_parser() -> Parser:
    """Every option of the command."""
    parser = Parser(prog="python -m morbids.fit", description=DESCRIPTION)
    add = parser.add_argument
    add("tacs", type=Path, help="table of curves")
    add(
        "--reference-file",
        type=Path,
        metavar="TACS",
        help="the reference curve is in this table, of the same frames",
    )
    add_fit_options(parser)
    _add_blood_options(parser)
    add(
        "--compare",
        type=parsed(find_model),
        action="append",
        default=[],
        metavar="MODEL",
        help="information criteria of this model beside the fitted one, in KINPAR_comparison.tsv; may be repeated",
    )
    add("--figures", type=Path, metavar="FOLDER", help="draw curves, fits and residuals")
    add(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="KINPAR.tsv",
        help="all settings go to a .json of this name",
    )
    return parser


def add_fit_options(parser: Parser) -> None:
    """Add what a fit of curves needs, whatever their origin; without blood, which a command may add."""
    add = parser.add_argument
    parser.set_defaults(blood=[], blood_delay=ESTIMATE, blood_volume=None, parent_fraction="auto")
    add(
        "--reference",
        metavar="COLUMN[,COLUMN]",
        help="column of the reference region; several are averaged; may be left out if --reference-file has one curve",
    )
    add(
        "--frame-times",
        type=Path,
        metavar="FILE",
        help="starts and ends of the frames, where the table tells their middles: PMOD's .acqtimes, or a table",
    )
    add("--time-unit", choices=tuple(PER_MINUTE), help="of the times; default: what the columns say, else s")
    add("--tracer", metavar="NAME", help="take model, k2', t* and bounds from this tracer's preset")
    add("--model", type=parsed(find_model), help="such as LoganRef, MRTM2, SRTM; default: the preset's")
    add(
        "--k2prime",
        type=or_word(number(LOWEST_RATE, HIGHEST_RATE), ESTIMATE, NONE),
        metavar="PER_MIN",
        help="a number, 'estimate', or 'none' for a Logan plot without it; default: the preset's, else estimated",
    )
    add(
        "--t-star",
        type=or_word(number(0), FIND),
        metavar="MIN",
        help="first minute of regression, or 'find' it on the Logan plot; default: the preset's",
    )
    add(
        "--window",
        type=parsed(parse_window),
        action="append",
        default=[],
        metavar="NAME=START-END",
        help="minutes from injection; may be repeated",
    )
    add(
        "--onset", type=number(), metavar="MIN", help="when binding may begin to change (displacement models)"
    )
    add(
        "--weights",
        choices=(NONE, "decay"),
        default=NONE,
        help="decay: duration x exp(-lambda t); default: none",
    )
    add(
        "--half-life",
        type=number(0, above=True),
        metavar="MIN",
        help="for the weights; default: the nuclide in the tracer's name, else C-11",
    )


def _add_blood_options(parser: Parser) -> None:
    """Add what models with plasma input take beside the curves."""
    add = parser.add_argument
    add(
        "--blood",
        type=Path,
        action="append",
        metavar="FILE",
        help="samples of blood, PET-BIDS _blood.tsv with its .json; repeat it for autosampler and samples by hand. "
        "--reference then names the region that tells the delay; default: the mean of all",
    )
    add(
        "--blood-delay",
        type=or_word(number(-MOST_DELAY_S, MOST_DELAY_S), ESTIMATE),
        metavar="SECONDS",
        help="added to the times of the blood; default: estimate",
    )
    add(
        "--blood-volume",
        type=or_word(number(0, MOST_BLOOD), FIT),
        metavar="SHARE",
        help="share of blood in tissue, or 'fit'; default: fitted by 1TCM and 2TCM, 0.05 for the others",
    )
    add(
        "--parent-fraction",
        choices=PARENT_RULES,
        help="how the share of unchanged tracer becomes a curve: hill, power, linear, none (all of plasma); "
        "default: auto, the nearer of hill and power, else linear",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    return run_command(make_parser(), lambda arguments: f"Wrote {run(arguments)}", log, argv)
