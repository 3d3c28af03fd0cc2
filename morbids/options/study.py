"""Options of both levels: which images, and how to run."""

from pathlib import Path
from typing import get_args

from morbids.arguments import Option, number, parsed, whole
from morbids.settings import PLUGINS, Outputs, parse_plugin_args

STUDY = (
    *(
        Option(
            f"--{name}-label",
            f"{name}_labels",
            f"only these {name} labels, with or without their prefix",
            metavar="LABEL",
            many=True,
        )
        for name in ("participant", "session", "task", "tracer", "run")
    ),
    Option(
        "--bids-filter-file",
        "bids_filter_file",
        'entities that select images, such as {"pet": {"run": "1"}, "t1w": {"session": "mri"}}',
        Path,
        "JSON",
    ),
    Option(
        "--derivatives",
        "derivatives",
        "datasets of other programs (fMRIPrep, sMRIPrep, PETPrep, an earlier morbids): participant level, their "
        "anatomy, head motion and registration take the place of own steps; group level, their maps are read",
        Path,
        "DIR",
        many=True,
    ),
    Option(
        "--bids-database-dir",
        "bids_database_dir",
        "index of the dataset by pybids: read if it is there, else made; jobs may share it. Make a new one when "
        "files are added",
        Path,
        "DIR",
    ),
    Option(
        "--skip-bids-validation",
        "skip_bids_validation",
        "do not check the input with the BIDS validator",
        flag=True,
    ),
)

EXECUTION = (
    Option(
        "--work-dir",
        "work_dir",
        "intermediate files; default OUTPUT_DIR/.work",
        Path,
        "DIR",
        short="-w",
    ),
    Option("--nprocs", "n_procs", "processors; default all that there are", whole(1), "N"),
    Option(
        "--omp-nthreads",
        "omp_n_threads",
        "threads of one step; default: half of --nprocs, from 1 to 8",
        whole(1),
        "N",
    ),
    Option(
        "--mem-gb",
        "mem_gb",
        "memory that steps share; default: nine tenths of what there is",
        number(0.1),
        "GB",
    ),
    Option(
        "--outputs",
        "outputs",
        "participant level: minimal writes what the group level and the pages read, and no frames, tissue shares, T1w "
        "image in the template or transforms back; files of an earlier run stay; default {default}",
        choices=get_args(Outputs),
    ),
    Option(
        "--plugin",
        "plugin",
        "run each step as a job of a cluster's scheduler, by nipype's plugin of this name; this process waits for them",
        choices=PLUGINS,
    ),
    Option(
        "--plugin-args",
        "plugin_args",
        'arguments of the plugin, as JSON or in a file: {"sbatch_args": "--account=lab", "max_jobs": 50}',
        parsed(parse_plugin_args),
        "JSON",
    ),
    Option(
        "--dry-run",
        "dry_run",
        "participant level: say what would be done with every scan and everything that stands in the way; compute and "
        "write nothing",
        flag=True,
    ),
    Option("--json", "json", "--dry-run as JSON, for programs", flag=True),
    Option("--stop-on-first-crash", "stop_on_first_crash", "do not finish the other scans", flag=True),
    Option(
        "--clean-workdir",
        "clean_workdir",
        "remove the intermediate files of each scan (group level: contrast) once all of it has ended well, and what "
        "they shared once nobody needs it; the same command then computes it anew",
        flag=True,
    ),
)
