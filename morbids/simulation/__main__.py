"""Commands: `python -m morbids.simulation OUT ...` writes a simulated study, `... calibrate` judges a protocol."""

import argparse
import logging
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from morbids.errors import ExitCode, MorbidsError
from morbids.simulation import calibrate
from morbids.simulation.command_line import Parser
from morbids.simulation.effects import TASKS
from morbids.simulation.settings import (
    FULL_PARTICIPANTS,
    FULL_PET_VOXEL_MM,
    FULL_T1W_VOXEL_MM,
    HeadFiles,
    StudySettings,
)
from morbids.simulation.study import simulate_study

logger = logging.getLogger("morbids.simulation")

_DEFAULTS = StudySettings()


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = Parser(
        prog="python -m morbids.simulation",
        description="Simulate a [11C]carfentanil PET study with known truth as a PET-BIDS dataset: two scans per "
        "participant (task-rejection, task-acceptance) or one, T1w images, events, traits; the truth in "
        "OUT/derivatives/truth.",
        epilog="`python -m morbids.simulation calibrate --help`: what a protocol's windows can see.",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="new folder for the dataset")
    size = parser.add_argument_group("size")
    size.add_argument(
        "--participants", type=int, metavar="N", help=f"people (default {_DEFAULTS.participants})"
    )
    size.add_argument(
        "--tasks",
        nargs="+",
        choices=TASKS,
        default=TASKS,
        help="one scan per participant for each (default: both)",
    )
    size.add_argument(
        "--voxel-mm",
        type=float,
        metavar="V",
        help=f"PET voxel in the plane (default {_DEFAULTS.pet_voxel_mm:g})",
    )
    size.add_argument(
        "--t1w-voxel-mm", type=float, metavar="V", help="T1w voxel (default: 0.44 PET voxels, 1 to 2 mm)"
    )
    size.add_argument(
        "--full-size",
        action="store_true",
        help="as the original study: 18 people, 128 x 128 x 63 PET voxels of 2.25 x 2.25 x 2.43 mm, 1 mm T1w; the "
        "three options above still win",
    )
    anatomy = parser.add_argument_group("anatomy")
    anatomy.add_argument(
        "--heads",
        type=Path,
        nargs="+",
        metavar="T1W",
        help="people's T1w images (whole heads) instead of the average head in random shapes; as many participants "
        "as heads, and T1w voxels as they are, unless said otherwise",
    )
    anatomy.add_argument(
        "--labels",
        type=Path,
        nargs="+",
        metavar="LABELS",
        help="for each of --heads a label image numbered as Neuromorphometrics (MUSE, DLMUSE), which is then the true "
        "anatomy; without it the program's own segmentation is",
    )
    truth = parser.add_argument_group("truth")
    truth.add_argument("--seed", type=int, default=_DEFAULTS.seed, metavar="S", help="default %(default)s")
    truth.add_argument("--null", action="store_true", help="no effect of the tasks, no relation to traits")
    truth.add_argument(
        "--k4",
        type=float,
        default=_DEFAULTS.k4,
        metavar="RATE",
        help="dissociation rate per minute (default %(default)s: early and late windows agree without release)",
    )
    truth.add_argument(
        "--k2prime",
        type=float,
        default=_DEFAULTS.k2_prime,
        metavar="RATE",
        help="efflux from the reference region, per minute (default %(default)s)",
    )
    truth.add_argument("--kinetics", choices=("two_tissue", "one_tissue"), default=_DEFAULTS.kinetics)
    truth.add_argument(
        "--occipital-binding",
        type=float,
        default=_DEFAULTS.occipital_binding,
        metavar="F",
        help="0: exact reference region (default); 1: it binds a little, as in people",
    )
    scanner = parser.add_argument_group("scanner")
    scanner.add_argument(
        "--noise", type=float, default=_DEFAULTS.noise, metavar="F", help="factor; 0 for none"
    )
    scanner.add_argument(
        "--motion", type=float, default=_DEFAULTS.motion, metavar="F", help="factor; 0 for none"
    )
    scanner.add_argument("--psf-fwhm-mm", type=float, default=_DEFAULTS.psf_fwhm_mm, metavar="MM")
    return parser


def choose_settings(arguments: argparse.Namespace) -> StudySettings:
    """Turn the command line into settings; explicit sizes win over `--full-size`."""
    full = arguments.full_size
    usual_mm = FULL_PET_VOXEL_MM if full else _DEFAULTS.pet_voxel_mm
    voxel_mm = usual_mm if arguments.voxel_mm is None else arguments.voxel_mm
    t1w_voxel_mm = FULL_T1W_VOXEL_MM if full else min(max(round(voxel_mm * 4 / 9, 2), 1.0), 2.0)
    people = FULL_PARTICIPANTS if full else _DEFAULTS.participants
    people = len(arguments.heads) if arguments.heads else people
    return StudySettings(
        participants=people if arguments.participants is None else arguments.participants,
        tasks=tuple(task for task in TASKS if task in arguments.tasks),
        pet_voxel_mm=voxel_mm,
        t1w_voxel_mm=t1w_voxel_mm if arguments.t1w_voxel_mm is None else arguments.t1w_voxel_mm,
        seed=arguments.seed,
        null=arguments.null,
        noise=arguments.noise,
        motion=arguments.motion,
        psf_fwhm_mm=arguments.psf_fwhm_mm,
        k2_prime=arguments.k2prime,
        k4=arguments.k4,
        kinetics=arguments.kinetics,
        occipital_binding=arguments.occipital_binding,
    )


def choose_heads(arguments: argparse.Namespace) -> HeadFiles | None:
    """Real heads of the command line; None for the average head.

    Raises
    ------
    MorbidsError
        Labels without heads, a file that is not there, or another number of labels than of heads.
    """
    if arguments.heads is None and arguments.labels is not None:
        raise MorbidsError("--labels are of --heads, which are not given.", "Give both.", ExitCode.USAGE)
    if arguments.heads is None:
        return None
    return HeadFiles(tuple(arguments.heads), tuple(arguments.labels or ()), arguments.t1w_voxel_mm)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command (a study, or `calibrate`) and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if words[:1] == ["calibrate"]:
            return calibrate.run(words[1:])
        arguments = build_parser().parse_args(words)
        command = shlex.join(["python", "-m", "morbids.simulation", *words])
        simulate_study(arguments.out, choose_settings(arguments), command, choose_heads(arguments))
    except MorbidsError as error:
        logger.error("%s", error)
        return int(error.exit_code)
    logger.info("Study: %s", arguments.out)
    return int(ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main())
