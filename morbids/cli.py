"""The program: arguments to settings and resources, one level, exit code."""

import errno
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_dir
from rich.console import Console
from rich.logging import RichHandler

from morbids.bids.dataset import check_output, morbids_version
from morbids.bids.validation import check_dataset
from morbids.errors import ExitCode, MorbidsError, tell
from morbids.lifeline import interrupt_on_terminate
from morbids.options.command_line import build_parser, read_dry, read_resources, read_settings, read_study
from morbids.settings import GroupSettings, Resources, ScanSettings, Study

logger = logging.getLogger("morbids")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one level and return the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = build_parser().parse_args(words)
    console = Console(stderr=True)
    _set_up_logging(console, getattr(options, "verbosity", 0))
    interrupt_on_terminate()
    try:
        resources = read_resources(options)
        _check_folders(options.bids_dir, options.output_dir, resources.work_dir)
        _set_up_environment(resources)
        logger.info("morbids %s: %s", morbids_version(), resources.limits)
        study = read_study(options, words)
        settings = read_settings(options)
        validate = not hasattr(options, "skip_bids_validation")
        if read_dry(options):
            return tell_level(study, settings, resources, validate=validate, as_json=hasattr(options, "json"))
        return run_level(study, settings, resources, console, validate=validate)
    except MorbidsError as error:
        logger.error("%s", error)
        return error.exit_code
    except KeyboardInterrupt:
        logger.error("Interrupted; the same command takes up the work where it stopped.")
        return ExitCode.FAILED
    except Exception as error:  # the last resort: a person reads a sentence, not a traceback
        told = tell(error, "morbids")
        logger.error("%s", told)
        return ExitCode.CANNOT_WRITE if _is_full(error) else told.exit_code


def _is_full(error: Exception) -> bool:
    """Whether a disk is full or may not be written to."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EROFS, errno.EDQUOT)


def run_level(
    study: Study,
    settings: ScanSettings | GroupSettings,
    resources: Resources,
    console: Console,
    *,
    validate: bool,
) -> ExitCode:
    """Hand over to the level whose settings these are.

    The levels are imported here, after the environment is set: numerical libraries read it once, at import.

    Raises
    ------
    MorbidsError
        There is no dataset, the output is of another one, and whatever the level refuses.
    """
    check_dataset(study.bids_dir)
    check_output(study.output_dir, study.bids_dir)
    if isinstance(settings, GroupSettings):
        from morbids.group.run import run_group

        return run_group(study, settings, resources, console)
    from morbids.participant.run import run_participants

    return run_participants(study, settings, resources, console, validate=validate)


def tell_level(
    study: Study,
    settings: ScanSettings | GroupSettings,
    resources: Resources,
    *,
    validate: bool,
    as_json: bool,
) -> ExitCode:
    """Print what the participant level would do.

    Raises
    ------
    MorbidsError
        The level is the group's, which reads results that a dry run does not make; or there is no dataset.
    """
    if isinstance(settings, GroupSettings):
        raise MorbidsError("--dry-run is of the participant level.", "Leave it out.", ExitCode.USAGE)
    from morbids.participant.dry_run import dry_run, dry_run_as_json, tell_dry_run

    found = dry_run(study, settings, resources, validate=validate)
    write = dry_run_as_json if as_json else tell_dry_run
    sys.stdout.write(write(found, study, resources))
    return found.exit_code


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
    """Caches are the user's own, and no library takes more threads than a step may use."""
    caches = _find_caches(resources.work_dir)
    for name in ("MPLCONFIGDIR", "NUMBA_CACHE_DIR"):
        os.environ.setdefault(name, str(caches / name.lower()))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(resources.omp_n_threads)
    os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(resources.omp_n_threads)
    os.environ.setdefault("NO_ET", "1")  # nipype's and pybids' usage reports stay off


def _find_caches(work_dir: Path) -> Path:
    """Folder that outlives the work directory, so that loops are compiled once; the work directory without one.

    numba runs what it finds in its cache: nobody else may be able to write there.
    """
    own = Path(user_cache_dir("morbids"))
    try:
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = own.stat()
    except OSError:
        return work_dir / "caches"
    is_private = status.st_uid == os.getuid() and not status.st_mode & 0o022 and os.access(own, os.W_OK)
    return own if is_private else work_dir / "caches"
