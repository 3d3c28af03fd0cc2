"""Is a dataset valid BIDS? Asked of the official validator, which runs offline."""

import codecs
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from morbids.bids.inheritance import is_here, read_json_object
from morbids.bids.names import sidecar_path
from morbids.bids.schema import write_extended_schema
from morbids.errors import ExitCode, MorbidsError

VALIDATOR = "bids-validator-deno"
# Exit status of the validator: no errors, errors.
_FINISHED = (0, 16)
_SHOWN = 5
# Fields without which a time axis cannot be made: only these stop a scan. Whether the others serve is judged where
# they are read, with the value in the sentence.
NEEDED_FIELDS = (
    *(
        "FrameTimesStart",
        "FrameDuration",
        "InjectionStart",
        "ImageDecayCorrected",
        "ImageDecayCorrectionTime",
    ),
)
RAW = ("pet", "anat")
# True of the copy of some participants, not of the dataset.
_OF_THE_COPY = ("PARTICIPANT_ID_MISMATCH",)
_READ = (".json", ".tsv", ".md", ".bib", ".bidsignore", "")


class Problem(NamedTuple):
    """An error that the validator found.

    Attributes
    ----------
    code, field
        What is wrong, and with which field or column; the field is empty where it is the file itself.
    location
        The file, from the root of the dataset on.
    message
        The whole text, in one line.
    """

    code: str
    field: str
    location: str
    message: str

    def __str__(self) -> str:
        what = f"{self.code} {self.field}".strip()
        return f"{self.location.removeprefix('/')}: {what} ({self.message})"

    @property
    def image(self) -> str:
        """The file or, for a sidecar, the image that it would belong to, relative to the root."""
        return self.location.removeprefix("/").replace(".json", ".nii.gz")


class Judgement(NamedTuple):
    """What the validator says of raw data.

    Attributes
    ----------
    errors
        By image, relative to the root: fields without which, or with which, it cannot be analysed.
    note
        One sentence on errors that concern nothing that this program reads; empty when there are none.
    """

    errors: Mapping[str, MorbidsError]
    note: str


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


def judge_input(bids_dir: Path, participants: Sequence[str]) -> Judgement:
    """Ask the validator about participants, and tell what concerns this program from the rest.

    Parameters
    ----------
    bids_dir
        The raw dataset.
    participants
        Labels without `sub-`: others are not looked at, nor anything that is no raw PET or anatomy.

    Raises
    ------
    MorbidsError
        The validator cannot be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        checked = Path(folder) / "dataset"
        _stage(bids_dir, participants, checked)
        problems = run_validator(checked)
    needed: dict[str, list[Problem]] = {}
    others = []
    for problem in problems:
        image = problem.image
        if problem.field in NEEDED_FIELDS and is_here(sidecar_path(bids_dir / image)):
            needed.setdefault(image, []).append(problem)
        elif problem.code not in _OF_THE_COPY:
            others.append(problem)
    errors = {image: _not_valid(bids_dir / image, found) for image, found in needed.items()}
    return Judgement(errors, _others_note(others))


def _not_valid(image: Path, problems: Sequence[Problem]) -> MorbidsError:
    told = "; ".join(dict.fromkeys(f"{problem.code} {problem.field}" for problem in problems))
    return MorbidsError(
        f"{image} is not valid BIDS: {told}.",
        f"Correct its sidecar ({VALIDATOR} explains each), or skip this check with --skip-bids-validation.",
        ExitCode.INVALID_BIDS,
    )


def _others_note(problems: Sequence[Problem]) -> str:
    """One sentence on all that stops nobody."""
    if not problems:
        return ""
    counts = Counter(f"{problem.code} {problem.field}".strip() for problem in problems)
    shown = [f"{what} ({n})" for what, n in counts.most_common(_SHOWN)]
    more = f" and {len(counts) - _SHOWN} more kinds" if len(counts) > _SHOWN else ""
    return (
        f"The BIDS validator finds {len(problems)} errors in what this program does not depend on: "
        f"{', '.join(shown)}{more}; the first: {problems[0]}"
    )


def _stage(bids_dir: Path, participants: Sequence[str], target: Path) -> None:
    """Copy the texts of what is judged; one byte stands in for every image, also for those that are not here."""
    folders = [bids_dir]
    for label in participants:
        own = bids_dir / f"sub-{label}"
        folders += [own, *own.glob("ses-*"), *(path for kind in RAW for path in own.glob(f"**/{kind}"))]
    for folder in folders:
        for file in _files(folder):
            place = target / file.relative_to(bids_dir)
            place.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix in _READ and is_here(file):
                place.write_bytes(_as_read(file))
            elif file.suffix not in _READ:
                place.write_bytes(b"\n")


def _as_read(file: Path) -> bytes:
    """A text as this program reads it: without a byte order mark, and with null for numbers that JSON does not have.

    The validator rejects either as a whole, and then names every field as missing.
    """
    content = file.read_bytes().removeprefix(codecs.BOM_UTF8)
    if file.suffix != ".json" or not (b"NaN" in content or b"Infinity" in content):
        return content
    try:
        return json.dumps(json.loads(content, parse_constant=lambda _: None)).encode()
    except (ValueError, RecursionError):  # the reader of the sidecar tells what is wrong
        return content


def _files(folder: Path) -> list[Path]:
    """Files of a folder, links without content included; none where it cannot be read."""
    try:
        # Entries know what they are: among thousands of participants' folders none is asked for.
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_file() or _is_broken(entry)]
    except OSError:
        return []
    return [folder / name for name in sorted(names)]


def _is_broken(entry: "os.DirEntry[str]") -> bool:
    return entry.is_symlink() and not os.path.exists(entry)


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
    environment = os.environ | {"DENO_NO_UPDATE_CHECK": "1"}  # else it asks the network for a newer version
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
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
            issue["code"],
            issue.get("subCode") or "",
            issue.get("location", ""),
            " ".join(f"{messages.get(issue['code'], '')} {issue.get('issueMessage', '')}".split()),
        )
        for issue in report["issues"]["issues"]
        if issue.get("severity", "error") == "error"
    )


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
