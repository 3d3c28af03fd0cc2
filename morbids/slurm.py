"""Scripts that run a dataset on Slurm: `python -m morbids.slurm BIDS OUT SCRIPTS --work-dir WORK`.

An array has one job per participant, the group level waits for it; `SCRIPTS/submit.sh` submits whoever has not ended
well. Memory and time come from the sizes of the images, as `--dry-run` tells them, or from a run that has ended
(`--from-run`); `SCRIPTS/settings.sh` holds them.
"""

import math
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

from morbids.arguments import Parser, whole
from morbids.bids.writing import write_text
from morbids.errors import ExitCode, MorbidsError
from morbids.group.run import memory_gb
from morbids.options.command_line import build_parser, read_resources, read_settings, read_study
from morbids.participant.cost import total_minutes
from morbids.participant.dry_run import DryRun, dry_run, tell_causes
from morbids.participant.memory import LEAST_GB
from morbids.participant.plan import ScanPlan
from morbids.settings import ScanSettings

ASSUMED_SCHEDULER_GB = 1.2
"""The program itself beside its steps: scheduler, and libraries of idle workers. On the safe side: at the peak of
`python -m benchmarks scan` the scheduler holds 0.3 GB (`at_peak_scheduler_gb`), at most 1.0 (`scheduler_peak_gb`)."""
ASSUMED_SLOWNESS = 3
"""How much slower than the measured machine (`morbids.participant.cost`) a node may be."""
ASSUMED_SPREAD = 1.5
"""How much longer a job may take than the longest that has ended."""
ASSUMED_LEAST_MINUTES = 15
"""A node that starts slowly does not end a short job."""
ASSUMED_GROUP_MINUTES = 240
"""Eighteen people take minutes (`python -m benchmarks group`), many questions and traits multiply that."""
QUOTED = ("--sbatch", "--participant", "--group")
"""Options whose value is options of another program."""
ASSUMED_LARGEST_ARRAY = 1000
"""Slurm's MaxArraySize is 1001 unless a site says otherwise; it is not asked."""


class Need(NamedTuple):
    """What a job is given: GB that steps share, in tenths, rounded up; minutes."""

    steps_gb: float
    minutes: int

    @property
    def job_gb(self) -> float:
        """GB of the whole job."""
        return self.steps_gb + ASSUMED_SCHEDULER_GB


def find_need(found: DryRun, n_procs: int, longest_min: float | None = None) -> Need:
    """The largest need of all participants: an array asks for the same in each of its jobs.

    Parameters
    ----------
    longest_min
        What the longest job of an earlier run took; without one, time is what is expected of the images.

    Raises
    ------
    MorbidsError
        No scan has a plan, so that nothing is known.
    """
    planned = [plan for plan in found.drawn if plan.scan.pet in found.costs]
    if not planned:
        raise MorbidsError("No scan can be planned.", tell_causes(found), found.exit_code)
    largest_gb = max(found.costs[plan.scan.pet].memory_gb for plan in planned)
    steps_gb = largest_gb + LEAST_GB * (n_procs - 1)
    if longest_min is None:
        own_minutes = (total_minutes(own, found.costs, n_procs) for own in _by_participant(planned).values())
        minutes = ASSUMED_SLOWNESS * max(own_minutes)
    else:
        minutes = ASSUMED_SPREAD * longest_min
    return Need(_tenths(steps_gb), max(ASSUMED_LEAST_MINUTES, math.ceil(minutes)))


def find_group_need(found: DryRun, n_procs: int) -> Need:
    """What the group level is given: a test of all maps on each processor."""
    return Need(_tenths(n_procs * memory_gb(len(found.drawn))), ASSUMED_GROUP_MINUTES)


def _tenths(gb: float) -> float:
    """Round up: a step that needs a little more than it may have is refused."""
    return math.ceil(10 * gb) / 10


def longest_minutes(scripts: Path) -> float:
    """Minutes of the longest job that ended well, as the jobs of these scripts wrote them.

    Raises
    ------
    MorbidsError
        No job has.
    """
    seconds = [int(path.read_text()) for path in (scripts / "seconds").glob("*")]
    if not seconds:
        raise MorbidsError(
            f"No job of {scripts} has ended well.",
            "--from-run takes the folder of scripts that have run.",
            ExitCode.USAGE,
        )
    return max(seconds) / 60


def _by_participant(plans: Sequence[ScanPlan]) -> dict[str, list[ScanPlan]]:
    own: dict[str, list[ScanPlan]] = {}
    for plan in plans:
        own.setdefault(plan.scan.entities["sub"], []).append(plan)
    return own


def write_scripts(folder: Path, participants: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Write the scripts, who is to be run, and the settings that the scripts read."""
    write_text(folder / "participants.txt", "".join(f"{label}\n" for label in participants))
    lines = [f"{name}={_in_shell(value)}" for name, value in settings.items()]
    write_text(
        folder / "settings.sh",
        "\n".join(["# Read by the scripts beside it; edit as you like.", *lines]) + "\n",
    )
    with as_file(files("morbids") / "data" / "slurm") as scripts:
        for script in scripts.glob("*.sh"):
            shutil.copy(script, folder / script.name)


def _in_shell(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"({shlex.join(map(str, value))})"
    return shlex.quote(str(value))


def call_of(image: Path | None, folders: Sequence[Path]) -> list[str]:
    """How the program is called in a job: in an image with these folders bound (the first is only read), or as here."""
    if image is None:
        return [str(Path(sys.executable).with_name("morbids"))]
    first, *others = folders
    bound = ",".join([f"{first}:{first}:ro", *map(str, others)])
    return ["apptainer", "run", "--cleanenv", "--bind", bound, str(image.absolute())]


def make_parser() -> Parser:
    """Every option of the command."""
    parser = Parser(prog="python -m morbids.slurm", description=__doc__)
    add = parser.add_argument
    add("bids_dir", type=Path, help="the PET-BIDS dataset")
    add("output_dir", type=Path, help="the derivative dataset")
    add("scripts_dir", type=Path, help="where the scripts and their logs go")
    add("--work-dir", type=Path, required=True, help="intermediate files, on a disk that all nodes see")
    add("--image", type=Path, help="Apptainer image; default: this installation")
    add("--cpus", type=whole(1), default=2, help="processors of a participant's job; default 2")
    add("--from-run", type=Path, metavar="SCRIPTS", help="take the time from the jobs that these scripts ran")
    add("--at-once", type=whole(1), default=50, help="most jobs of the array at once; default 50")
    add("--sbatch", default="", metavar="OPTIONS", help="further options of sbatch, quoted: '--account=lab'")
    add("--participant", default="", metavar="OPTIONS", help="options of the participant level, quoted")
    add("--group", default="", metavar="OPTIONS", help="options of the group level, quoted")
    return parser


def join_quoted(words: Sequence[str]) -> list[str]:
    """Write `--sbatch --account=lab` as `--sbatch=--account=lab`: the second word would be an option of ours."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in QUOTED:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def write_for(options: Any) -> DryRun:
    """Look at the dataset and write the scripts.

    Raises
    ------
    MorbidsError
        There is no dataset, an option of a level cannot be, or no job of `--from-run` has ended.
    """
    bids, out, work = (path.absolute() for path in (options.bids_dir, options.output_dir, options.work_dir))
    own, group = shlex.split(options.participant), shlex.split(options.group)
    read_settings(build_parser().parse_args([str(bids), str(out), "group", *group]))
    words = [str(bids), str(out), "participant", *own]
    level = build_parser().parse_args(words)
    settings = read_settings(level)
    assert isinstance(settings, ScanSettings)
    resources = replace(read_resources(level), n_procs=options.cpus, mem_gb=math.inf)
    found = dry_run(read_study(level, words), settings, resources, validate=False)
    longest_min = None if options.from_run is None else longest_minutes(options.from_run)
    need = find_need(found, options.cpus, longest_min)
    group_need = find_group_need(found, options.cpus)
    folder = options.scripts_dir.absolute()
    shell = {
        "BIDS": bids,
        "OUT": out,
        "WORK": work,
        "MORBIDS": call_of(options.image, (bids, out, work)),
        "PARTICIPANT_OPTIONS": own,
        "GROUP_OPTIONS": group,
        "SBATCH_OPTIONS": shlex.split(options.sbatch),
        "AT_ONCE": options.at_once,
        "LARGEST_ARRAY": ASSUMED_LARGEST_ARRAY,
        "CPUS": options.cpus,
        "STEPS_GB": f"{need.steps_gb:.1f}",
        "MEMORY_MB": round(1000 * need.job_gb),
        "MINUTES": need.minutes,
        "GROUP_CPUS": options.cpus,
        "GROUP_STEPS_GB": f"{group_need.steps_gb:.1f}",
        "GROUP_MEMORY_MB": round(1000 * group_need.job_gb),
        "GROUP_MINUTES": group_need.minutes,
    }
    write_scripts(folder, found.participants, shell)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the scripts and say how they are used."""
    words = sys.argv[1:] if arguments is None else arguments
    options = make_parser().parse_args(join_quoted(words))
    try:
        found = write_for(options)
    except MorbidsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if found.causes:
        sys.stderr.write(f"{tell_causes(found)}\n")
    count = len(found.participants)
    sys.stdout.write(
        f"{count} participants. Submit with {shlex.quote(str(options.scripts_dir / 'submit.sh'))}\n"
    )
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
