"""The command line: all options, each once with the field that it fills, how its text is read, and its help.

An option fills the field of its name in `ScanSettings`, `GroupSettings` or `Resources`, in both levels' settings where
both have it; those of `STUDY` say which images. An option that is not given leaves the field's default.
"""

import argparse
import math
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args

from morbids.arguments import Option, Parser, Version
from morbids.bids.filters import Filters
from morbids.errors import ExitCode, MorbidsError
from morbids.limits import Limit, memory_gb, processors
from morbids.options.group import GROUP
from morbids.options.participant import IMAGES, KINETICS, REFERENCE_STEPS, REGIONS
from morbids.options.study import EXECUTION, STUDY
from morbids.settings import (
    GroupSettings,
    ReferenceSteps,
    Resources,
    ScanSettings,
    Study,
)

Value = TypeVar("Value")
Level = Literal["participant", "group"]
LEVELS: tuple[Level, ...] = get_args(Level)
SETTINGS: Mapping[Level, type[ScanSettings] | type[GroupSettings]] = MappingProxyType(
    {"participant": ScanSettings, "group": GroupSettings}
)

DESCRIPTION = """\
From a PET-BIDS dataset to group-level inference on receptor availability.

participant: head motion, registration, reference region, kinetic models in every window, maps, a page.
group:       maps of all participants, tests of every voxel and region, tables with atlas labels, a page."""

EPILOG = """\
exit codes: 0 all done, 1 something failed (the page and the last lines say what), 16 input is not valid BIDS,
18 the filters select nothing, 64 usage, 65 bad data, 66 no input, 73 cannot write.

example: run.py /data /out participant --participant-label 01 02 --window baseline=10-40"""

# Titles as the help shows them.
GROUPS: Mapping[str, tuple[Option, ...]] = MappingProxyType(
    {
        "which scans": STUDY,
        "kinetics (change results)": KINETICS,
        "images (change results)": IMAGES,
        "regions (change results)": REGIONS,
        "group level (change results)": GROUP,
        "how to run (results stay the same)": EXECUTION,
    }
)


def build_parser() -> Parser:
    """Every option, grouped by what it changes."""
    parser = Parser(
        prog="morbids",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bids_dir", type=Path, help="the PET-BIDS dataset; never written to")
    parser.add_argument("output_dir", type=Path, help="the derivative dataset; made if it is not there")
    parser.add_argument("analysis_level", choices=LEVELS, help="what to run")
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    groups = {title: parser.add_argument_group(title) for title in GROUPS}
    defaults = dict(field for level in LEVELS for field in _fields_of(level))
    for title, options in GROUPS.items():
        for option in options:
            option.add_to(groups[title], defaults.get(option.field))
    groups["how to run (results stay the same)"].add_argument(
        "-v",
        "--verbose",
        action="count",
        dest="verbosity",
        default=argparse.SUPPRESS,
        help="more log lines; repeat for more",
    )
    return parser


def read_settings(options: argparse.Namespace) -> ScanSettings | GroupSettings:
    """Everything in the arguments that changes a result of the level that runs.

    Raises
    ------
    MorbidsError
        An option belongs to the other level.
    """
    level: Level = options.analysis_level
    _refuse_foreign(options, level)
    given = {name: _frozen(value) for name, value in vars(options).items()}
    steps = ReferenceSteps(**{option.field: given.get(option.field) for option in REFERENCE_STEPS})
    kind: Callable[..., ScanSettings | GroupSettings] = SETTINGS[level]
    return _fill(kind, given | {"reference_steps": steps})


def read_resources(options: argparse.Namespace) -> Resources:
    """What the run may use.

    Raises
    ------
    MorbidsError
        One step would take more threads than there are processors, or arguments are of no plugin.
    """
    given = vars(options)
    if "plugin_args" in given and "plugin" not in given:
        raise MorbidsError("--plugin-args needs --plugin.", "Give both, or neither.", ExitCode.USAGE)
    procs = Limit(given["n_procs"], "--nprocs") if "n_procs" in given else processors()
    memory = Limit(given["mem_gb"], "--mem-gb") if "mem_gb" in given else memory_gb()
    if "plugin" in given and "mem_gb" not in given:
        memory = Limit(math.inf, f"each step asks {given['plugin']} for its own")
    n_procs = int(procs.value)
    if given.get("omp_n_threads", 1) > n_procs:
        raise MorbidsError(
            f"--omp-nthreads {given['omp_n_threads']} is more than --nprocs {n_procs}.",
            "A step cannot use more threads than the whole run has processors.",
            ExitCode.USAGE,
        )
    defaults = {
        "n_procs": n_procs,
        # A T1w image and a scan, or two scans, can always be worked on side by side: half of the processors
        # for each is quicker than all of them for one after the other.
        "omp_n_threads": min(max(n_procs // 2, 1), 8),
        # The rest is for the scheduler itself, and for what steps take beyond what they declare.
        "mem_gb": 0.9 * memory.value,
        "work_dir": options.output_dir / ".work",
    }
    amount = f"{memory.value:.1f} GB of memory" if math.isfinite(memory.value) else "memory"
    limits = f"{n_procs} processors ({procs.source}), {amount} ({memory.source})"
    chosen = defaults | given | {"limits": limits}
    return _fill(Resources, chosen | {"work_dir": chosen["work_dir"].absolute()})


def read_dry(options: argparse.Namespace) -> bool:
    """Whether nothing shall be computed.

    Raises
    ------
    MorbidsError
        JSON is asked for, and no dry run.
    """
    dry = hasattr(options, "dry_run")
    if hasattr(options, "json") and not dry:
        raise MorbidsError("--json is a form of --dry-run.", "Give both, or neither.", ExitCode.USAGE)
    return dry


def read_study(options: argparse.Namespace, arguments: Sequence[str]) -> Study:
    """Which scans, and where results go; `arguments` as they were typed, for provenance."""
    given = vars(options)
    database = given.get("bids_database_dir")
    return Study(
        options.bids_dir.absolute(),
        options.output_dir.absolute(),
        _fill(Filters, given),
        shlex.join([Path(sys.argv[0]).name, *arguments]),
        tuple(folder.absolute() for folder in given.get("derivatives", ())),
        database.absolute() if database else None,
        given.get("outputs", Study.outputs),
    )


def _fill(kind: Callable[..., Value], given: Mapping[str, Any]) -> Value:
    """A dataclass from those of the given values that it has."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in given.items() if name in names})


def _refuse_foreign(options: argparse.Namespace, level: Level) -> None:
    """Refuse an option that the level would not read."""
    own = {name for name, _ in _fields_of(level)}
    others = {name for other in LEVELS if other != level for name, _ in _fields_of(other)} - own
    for option in (option for group in GROUPS.values() for option in group):
        if option.field in others and option.field in vars(options):
            raise MorbidsError(
                f"{option.name} is not an option of the {level} level: what it changes is decided at the other one.",
                "Leave it out.",
                ExitCode.USAGE,
            )


def _fields_of(level: Level) -> Iterator[tuple[str, Any]]:
    """Names and defaults of what the options of a level fill."""
    for field in fields(SETTINGS[level]):
        if field.name == "reference_steps":
            yield from ((step.name, step.default) for step in fields(ReferenceSteps))
        else:
            yield field.name, field.default
    if level == "participant":
        yield "outputs", Study.outputs


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
