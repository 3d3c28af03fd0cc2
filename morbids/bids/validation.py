"""Is a dataset valid BIDS? Asked of the official validator, which runs offline."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from morbids.bids.inheritance import read_json_object
from morbids.bids.schema import write_extended_schema
from morbids.errors import ExitCode, MorbidsError

VALIDATOR = "bids-validator-deno"
# Exit status of the validator: no errors, errors.
_FINISHED = (0, 16)
_SHOWN = 5
_READ = (".json", ".tsv", ".md", ".bib", ".bidsignore", "")


class Problem(NamedTuple):
    """An error that the validator found."""

    code: str
    location: str
    message: str

    def __str__(self) -> str:
        return f"{self.location.removeprefix('/')}: {self.code} ({self.message})"


def check_dataset(bids_dir: Path) -> None:
    """Refuse a directory that cannot be a dataset.

    Raises
    ------
    MorbidsError
        There is no directory (no input), or no readable dataset_description.json (exit code 16).
    """
    if not bids_dir.is_dir():
        raise MorbidsError(
            f"{bids_dir} is not a directory.", "Give the root of a PET-BIDS dataset.", ExitCode.NO_INPUT
        )
    description = bids_dir / "dataset_description.json"
    if not description.exists() and not description.is_symlink():
        raise MorbidsError(
            f"{bids_dir} has no dataset_description.json.",
            "Give the root of a BIDS dataset, or add the file (Name and BIDSVersion).",
            ExitCode.INVALID_BIDS,
        )
    try:
        read_json_object(description)
    except MorbidsError as error:
        raise MorbidsError(error.message, error.hint, ExitCode.INVALID_BIDS) from error


def check_input(bids_dir: Path, participant_labels: Sequence[str] = ()) -> None:
    """Refuse a dataset that is not valid BIDS.

    Parameters
    ----------
    bids_dir
        The raw dataset.
    participant_labels
        The selected participants, without `sub-`: problems of the others are left alone. Empty = all.

    Raises
    ------
    MorbidsError
        With exit code 16, naming the first few problems; or the validator cannot be run.
    """
    check_dataset(bids_dir)
    problems = [problem for problem in run_validator(bids_dir) if _concerns(problem, participant_labels)]
    if problems:
        shown = "; ".join(str(problem) for problem in problems[:_SHOWN])
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise MorbidsError(
            f"{bids_dir} is not valid BIDS: {shown}{more}.",
            f"Run {VALIDATOR} {bids_dir} and correct them, or skip this check with --skip-bids-validation.",
            ExitCode.INVALID_BIDS,
        )


def validate_derivatives(output_dir: Path) -> tuple[Problem, ...]:
    """Errors of a derivative dataset under the schema with the draft rules; empty = valid.

    The draft suffixes of `.bidsignore` are checked too, in a copy of the tree's names and texts without them;
    pages, figures and the group's folder stay ignored.

    Raises
    ------
    MorbidsError
        The validator is not installed or does not finish.
    """
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder) / "schema.json"
        write_extended_schema(schema)
        checked = Path(folder) / "dataset"
        _copy_names(output_dir, checked)
        return run_validator(checked, schema)


def run_validator(dataset: Path, schema: Path | None = None) -> tuple[Problem, ...]:
    """Run the validator and return its errors (warnings are left out).

    Raises
    ------
    MorbidsError
        The validator is not installed or does not finish.
    """
    command = [_executable(), str(dataset), "--format", "json", "--ignoreWarnings", "--ignoreNiftiHeaders"]
    if schema is not None:
        command += ["--schema", schema.absolute().as_uri()]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode not in _FINISHED:
        raise MorbidsError(
            f"{VALIDATOR} did not finish on {dataset}: {finished.stderr.strip()[-400:]}",
            "Skip this check with --skip-bids-validation.",
            ExitCode.FAILED,
        )
    return _problems(json.loads(finished.stdout))


def _executable() -> str:
    """Path of the validator: of this environment, else of the search path."""
    beside = Path(sys.executable).with_name(VALIDATOR)
    found = str(beside) if beside.is_file() else shutil.which(VALIDATOR)
    if found is None:
        raise MorbidsError(
            f"The BIDS validator ({VALIDATOR}) is not installed.",
            f"Install it with pip install {VALIDATOR}, or skip this check with --skip-bids-validation.",
            ExitCode.FAILED,
        )
    return found


def _problems(report: dict[str, Any]) -> tuple[Problem, ...]:
    messages = report["issues"].get("codeMessages", {})
    return tuple(
        Problem(
            " ".join(filter(None, (issue["code"], issue.get("subCode")))),
            issue.get("location", ""),
            str(messages.get(issue["code"]) or issue.get("issueMessage", "")).strip().split("\n")[0],
        )
        for issue in report["issues"]["issues"]
        if issue.get("severity", "error") == "error"
    )


def _concerns(problem: Problem, participant_labels: Sequence[str]) -> bool:
    """Whether a problem lies at the top of the dataset or in the folder of a selected participant.

    An image without content concerns its own scan only: reading the scans rejects that one, and not the others.
    """
    if problem.code == "EMPTY_FILE" and problem.location.endswith((".nii", ".nii.gz")):
        return False
    folder = problem.location.removeprefix("/").split("/")[0]
    return not participant_labels or not folder.startswith("sub-") or folder[4:] in participant_labels


def _copy_names(source: Path, target: Path) -> None:
    """Copy a tree's names and texts, without the patterns of its .bidsignore that hide draft names."""
    shutil.copytree(source, target, copy_function=_copy_or_stand_in, ignore=_hidden)
    ignored = target / ".bidsignore"
    if ignored.exists():
        lines = ignored.read_text(encoding="utf-8").splitlines()
        ignored.write_text("\n".join(line for line in lines if not line.startswith(("*_", "**/"))) + "\n")


def _hidden(_folder: str, names: Sequence[str]) -> list[str]:
    """Names that the validator passes over, such as the work directory; .bidsignore is not one of them."""
    return [name for name in names if name.startswith(".") and name != ".bidsignore"]


def _copy_or_stand_in(source: str, target: str) -> None:
    """Copy what the validator reads; images are checked by name only, so one byte stands in."""
    if Path(source).suffix in _READ or Path(source).stat().st_size == 0:
        shutil.copyfile(source, target)
    else:
        Path(target).write_bytes(b"\n")


def main(arguments: Sequence[str]) -> int:
    """Validate datasets: `python -m morbids.bids.validation DIR...`; derivatives under the draft rules too."""
    n_problems = 0
    for dataset in map(Path, arguments):
        check_dataset(dataset)
        description = read_json_object(dataset / "dataset_description.json")
        derivative = description.get("DatasetType") == "derivative"
        problems = validate_derivatives(dataset) if derivative else run_validator(dataset)
        kind = "derivatives, with the draft names of BEP023" if derivative else "raw"
        sys.stdout.write(f"{dataset} ({kind}): {len(problems)} errors\n")
        sys.stdout.writelines(f"  {problem}\n" for problem in problems)
        n_problems += len(problems)
    return ExitCode.INVALID_BIDS if n_problems else ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
