"""The command line: arguments to Settings and Resources, one level, reports, exit code."""

import argparse
import logging
import math
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NoReturn, TypeVar, get_args

from rich.console import Console
from rich.logging import RichHandler

from morbids.bids.joining import JOIN_RUNS
from morbids.bids.scans import Filters
from morbids.bids.validation import check_dataset
from morbids.bids.windows import parse_window
from morbids.errors import ExitCode, MorbidsError
from morbids.group_options import add_group_options, add_group_settings
from morbids.region_options import add_region_options, add_region_settings
from morbids.settings import (
    FrameWeights,
    Resources,
    Settings,
    Study,
    available_memory_gb,
    available_processors,
    parse_output_space,
)

logger = logging.getLogger("morbids")
Value = TypeVar("Value")

# Of k2': tissue cannot be emptied faster than blood flows through it.
MAX_RATE_PER_MIN = 2.0

DESCRIPTION = """\
From a PET-BIDS dataset to group-level inference on receptor availability.

participant: head motion, registration, reference region, kinetic models in every window, maps, a page.
group:       maps of all participants, tests of every voxel and region, tables with atlas labels, a page."""

EPILOG = """\
exit codes: 0 all done, 1 something failed (the page and the last lines say what), 16 input is not valid BIDS,
18 the filters select nothing, 64 usage, 65 bad data, 66 no input, 73 cannot write.

example: run.py /data /out participant --participant-label 01 02 --window baseline=10-40"""


class Parser(argparse.ArgumentParser):
    """argparse with the exit code that BIDS Apps agree on for usage errors."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the arguments and leave."""
        self.print_usage(sys.stderr)
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """Every option, grouped by what it changes."""
    parser = Parser(
        prog="morbids",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bids_dir", type=Path, help="the PET-BIDS dataset; never written to")
    parser.add_argument("output_dir", type=Path, help="the derivative dataset; made if it is not there")
    parser.add_argument("analysis_level", choices=("participant", "group"), help="what to run")
    parser.add_argument("--version", action="version", version=f"morbids {version('morbids')}")
    _add_selection(parser.add_argument_group("which scans"))
    _add_kinetics(parser.add_argument_group("kinetics (change results)"))
    _add_spaces(parser.add_argument_group("images (change results)"))
    add_region_options(parser.add_argument_group("regions (change results)"))
    add_group_options(parser.add_argument_group("group level (change results)"))
    _add_execution(parser.add_argument_group("how to run (results stay the same)"))
    return parser


def _add_selection(group: "argparse._ArgumentGroup") -> None:
    for name in ("participant", "session", "task", "tracer", "run"):
        group.add_argument(
            f"--{name}-label",
            f"--{name}_label",
            nargs="+",
            default=[],
            metavar="LABEL",
            help=f"only these {name} labels, with or without their prefix",
        )
    group.add_argument(
        "--bids-filter-file",
        type=Path,
        metavar="JSON",
        help='entities that select images, such as {"pet": {"run": "1"}, "t1w": {"session": "mri"}}',
    )
    group.add_argument(
        "--derivatives",
        nargs="+",
        type=Path,
        default=[],
        metavar="DIR",
        help="datasets of other programs (fMRIPrep, sMRIPrep, PETPrep, an earlier morbids): participant level, their "
        "anatomy, head motion and registration take the place of own steps; group level, their maps are read",
    )
    group.add_argument(
        "--bids-database-dir",
        type=Path,
        metavar="DIR",
        help="index of the dataset by pybids: read if it is there, else made; jobs may share it. Make a new one when "
        "files are added",
    )
    group.add_argument(
        "--skip-bids-validation", action="store_true", help="do not check the input with the BIDS validator"
    )


def _add_kinetics(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--window",
        action="append",
        default=[],
        type=_or_usage_error(parse_window),
        metavar="NAME=START-END",
        help="a window in minutes from injection; repeat it; the first, or one named baseline, is the "
        "baseline. Default: the rows of events.tsv, else drug fields of the sidecar, else t* to the end",
    )
    group.add_argument("--model", help="such as LoganRef, MRTM2, SRTM; default: the tracer's preset")
    group.add_argument(
        "--k2prime",
        type=_rate_or_word,
        metavar="RATE",
        help="k2' of the reference region per minute, 'estimate', or 'none' for a Logan plot without it; "
        "default: the tracer's preset",
    )
    group.add_argument(
        "--t-star",
        type=_minute_or_find,
        metavar="MIN",
        help="first minute of linear plots and windows, or 'find': from where on the Logan plot is straight; "
        "default: the tracer's preset",
    )
    group.add_argument(
        "--weights",
        choices=get_args(FrameWeights),
        default=Settings().weights,
        help="weights of the frames in fits: decay = duration x exp(-lambda t); default %(default)s",
    )


def _add_spaces(group: "argparse._ArgumentGroup") -> None:
    defaults = Settings()
    group.add_argument(
        "--output-spaces",
        nargs="+",
        type=_or_usage_error(parse_output_space),
        default=list(defaults.output_spaces),
        metavar="SPACE[:res-MM]",
        help="spaces for maps beside PET space (native), where they always are: a TemplateFlow identifier or T1w, "
        "with res-1 or res-2; default MNI152NLin2009cAsym:res-2",
    )
    group.add_argument(
        "--pet-smoothing-fwhm",
        type=_number_from(0.0),
        default=defaults.pet_smoothing_fwhm_mm,
        metavar="MM",
        help="smoothing of the frames before voxels are fitted; default %(default)s",
    )
    group.add_argument(
        "--join-runs",
        choices=JOIN_RUNS,
        default=defaults.join_runs,
        help="join runs of one injection on the time axis: auto when their sidecars tell so; default auto",
    )
    group.add_argument("--motion", choices=("on", "off"), default="on", help="default on")


def _add_execution(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("-w", "--work-dir", type=Path, help="intermediate files; default OUTPUT_DIR/.work")
    group.add_argument(
        "--nprocs",
        type=_count,
        default=available_processors(),
        metavar="N",
        help="processors; default all that there are, here %(default)s",
    )
    group.add_argument(
        "--omp-nthreads",
        type=_count,
        metavar="N",
        help="threads of one step; default: half of --nprocs, from 1 to 8",
    )
    group.add_argument(
        "--mem-gb",
        type=_number_from(0.1),
        metavar="GB",
        help="memory that steps share; default: nine tenths of what there is",
    )
    group.add_argument("--stop-on-first-crash", action="store_true", help="do not finish the other scans")
    group.add_argument("-v", "--verbose", action="count", default=0, help="more log lines; repeat for more")


def _or_usage_error(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """Let argparse report a MorbidsError of a value as a usage error."""

    def parse_or_explain(text: str) -> Value:
        try:
            return parse(text)
        except MorbidsError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_or_explain


def _rate_or_word(text: str) -> float | Literal["estimate", "none"]:
    if text == "estimate":
        return "estimate"
    if text == "none":
        return "none"
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate <= MAX_RATE_PER_MIN:
        raise argparse.ArgumentTypeError(
            f"{text} is neither 'estimate', 'none' nor a rate between 0 and {MAX_RATE_PER_MIN:g} per minute"
        )
    return rate


def _minute_or_find(text: str) -> float | Literal["find"]:
    return "find" if text == "find" else _number_from(0.0)(text)


def _number_from(lowest: float) -> Callable[[str], float]:
    """Reader of finite numbers that are at least `lowest`."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not lowest <= number < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number of at least {lowest:g}")
        return number

    return read


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 1")
    return int(text)


def read_settings(options: argparse.Namespace) -> Settings:
    """Everything in the arguments that changes a result."""
    settings = Settings(
        model=options.model,
        k2_prime_per_min=options.k2prime,
        t_star_min=options.t_star,
        weights=options.weights,
        windows=tuple(options.window),
        join_runs=options.join_runs,
        motion=options.motion == "on",
        pet_smoothing_fwhm_mm=options.pet_smoothing_fwhm,
        output_spaces=tuple(options.output_spaces),
    )
    return add_group_settings(add_region_settings(settings, options), options)


def read_resources(options: argparse.Namespace) -> Resources:
    """What the run may use.

    Raises
    ------
    MorbidsError
        One step would take more threads than there are processors.
    """
    if options.omp_nthreads and options.omp_nthreads > options.nprocs:
        raise MorbidsError(
            f"--omp-nthreads {options.omp_nthreads} is more than --nprocs {options.nprocs}.",
            "A step cannot use more threads than the whole run has processors.",
            ExitCode.USAGE,
        )
    return Resources(
        n_procs=options.nprocs,
        # A T1w image and a scan, or two scans, can always be worked on side by side: half of the processors
        # for each is quicker than all of them for one after the other.
        omp_n_threads=options.omp_nthreads or min(max(options.nprocs // 2, 1), 8),
        mem_gb=options.mem_gb or 0.9 * available_memory_gb(),
        work_dir=(options.work_dir or options.output_dir / ".work").absolute(),
        stop_on_first_crash=options.stop_on_first_crash,
        verbosity=options.verbose,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one level and return the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = build_parser().parse_args(words)
    console = Console(stderr=True)
    _set_up_logging(console, options.verbose)
    try:
        resources = read_resources(options)
        _check_folders(options.bids_dir, options.output_dir, resources.work_dir)
        _set_up_environment(resources)
        study = read_study(options, words)
        return run_level(options, study, read_settings(options), resources, console)
    except MorbidsError as error:
        logger.error("%s", error)
        return error.exit_code
    except KeyboardInterrupt:
        logger.error("Interrupted; the same command takes up the work where it stopped.")
        return ExitCode.FAILED


def read_study(options: argparse.Namespace, arguments: Sequence[str]) -> Study:
    """Which scans, and where results go; `arguments` as they were typed, for provenance."""
    return Study(
        options.bids_dir.absolute(),
        options.output_dir.absolute(),
        Filters(
            participant_labels=tuple(options.participant_label),
            session_labels=tuple(options.session_label),
            task_labels=tuple(options.task_label),
            tracer_labels=tuple(options.tracer_label),
            run_labels=tuple(options.run_label),
            bids_filter_file=options.bids_filter_file,
        ),
        shlex.join([Path(sys.argv[0]).name, *arguments]),
        tuple(folder.absolute() for folder in options.derivatives),
        options.bids_database_dir.absolute() if options.bids_database_dir else None,
    )


def run_level(
    options: argparse.Namespace, study: Study, settings: Settings, resources: Resources, console: Console
) -> ExitCode:
    """Hand over to the level that was asked for.

    The levels are imported here, after the environment is set: numerical libraries read it once, at import.

    Raises
    ------
    MorbidsError
        There is no dataset, and whatever the level refuses.
    """
    check_dataset(study.bids_dir)
    if options.analysis_level == "group":
        from morbids.group.run import run_group

        return run_group(study, settings, resources, console)
    from morbids.participant.run import run_participants

    return run_participants(study, settings, resources, console, validate=not options.skip_bids_validation)


def _set_up_logging(console: Console, verbosity: int) -> None:
    handler: logging.Handler = (
        RichHandler(console=console, show_path=False, show_level=False, highlighter=None)
        if console.is_terminal
        else logging.StreamHandler()
    )
    plain = "%(message)s" if console.is_terminal else "%(asctime)s %(message)s"
    logging.basicConfig(level="WARNING", format=plain, datefmt="%H:%M:%S", handlers=[handler], force=True)
    logger.setLevel(logging.DEBUG if verbosity else logging.INFO)
    if verbosity > 1:
        logging.getLogger().setLevel(logging.INFO)


def _check_folders(bids_dir: Path, output_dir: Path, work_dir: Path) -> None:
    """Refuse to write where the raw dataset is: its description would be replaced, and work files be indexed.

    Raises
    ------
    MorbidsError
        The output or the work directory is the dataset itself.
    """
    for name, folder in (("output", output_dir), ("work", work_dir)):
        if folder.resolve() == bids_dir.resolve():
            raise MorbidsError(
                f"The {name} directory {folder} is the dataset itself.",
                f"Give another folder, such as {bids_dir / 'derivatives' / 'morbids'}.",
                ExitCode.USAGE,
            )


def _set_up_environment(resources: Resources) -> None:
    """Caches go to the work directory, and no library takes more threads than a step may use."""
    caches = resources.work_dir / "caches"
    for name in ("MPLCONFIGDIR", "NUMBA_CACHE_DIR"):
        os.environ.setdefault(name, str(caches / name.lower()))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(resources.omp_n_threads)
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(resources.omp_n_threads)
    os.environ.setdefault("NO_ET", "1")  # nipype's and pybids' usage reports stay off
