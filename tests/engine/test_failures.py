"""What is told of a step that failed, and what is kept."""

import gzip
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from morbids.engine.failures import CrashFolder, Trouble, describe_error, sentence_of
from morbids.engine.nodes import make_node
from morbids.errors import MorbidsError
from tests.engine import steps_for_tests as steps

FOLDER = Path("/work/steps/scan/fit")


def full_disk() -> None:
    with open("/dev/full", "w", encoding="utf-8") as stream:
        stream.write("x" * 100_000)


def full_disk_for_a_library() -> None:
    with gzip.open("/dev/full", "wb") as stream:
        stream.write(bytes(100_000))


def no_file() -> None:
    Path("/nowhere/image.nii.gz").read_bytes()


def no_memory() -> None:
    np.zeros(2**55)


def refused() -> None:
    raise MorbidsError("sub-01_pet.nii.gz has NaN in its affine.", "Mend its header.")


def library_without_memory() -> None:
    raise RuntimeError("ITK ERROR: Failed to allocate memory for image.\n")


def other_error() -> None:
    raise ValueError("shapes (3,)\nand (4,) do not fit")


@pytest.mark.parametrize(
    ("fail", "start", "end"),
    [
        (full_disk, "/work/steps/scan/fit cannot be written: there is no space left.", "where it stopped."),
        (full_disk_for_a_library, "/work/steps/scan/fit cannot be written: there is no", "where it stopped."),
        (no_file, "/nowhere/image.nii.gz is not there.", "run again."),
        (no_memory, "Memory ran out (Unable to allocate 256. PiB", "so that fewer steps run at once."),
        (refused, "sub-01_pet.nii.gz has NaN in its affine.", "Mend its header."),
        (library_without_memory, "Memory ran out (ITK ERROR", "so that fewer steps run at once."),
        (other_error, "ValueError: shapes (3,) and (4,) do not fit.", "(docs/debugging.md)."),
    ],
)
def test_an_exception_is_told_with_file_and_remedy(fail: object, start: str, end: str) -> None:
    try:
        fail()  # type: ignore[operator]
    except Exception as error:
        trouble = describe_error(error, FOLDER)
    assert trouble.sentence.startswith(start)
    assert trouble.sentence.endswith(end)
    assert "\n" not in trouble.sentence
    assert f"in {fail.__name__}" in trouble.traceback  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BrokenProcessPool("died"), "process was killed, most likely because memory ran out. Give more"),
        (PermissionError(13, "Permission denied", "/out/a\nb.json"), "Permission denied. Give folders"),
        (OSError(5, "Input/output error", "/data/pet.nii"), "/data/pet.nii: Input/output error. The program"),
        (KeyError("Agreement"), "KeyError: 'Agreement'. The program did not foresee this"),
        (ValueError(), "ValueError: no message. The program did not foresee this"),
    ],
)
def test_sentences_of_other_errors(error: BaseException, words: str) -> None:
    assert words in sentence_of(error, FOLDER)


def test_the_traceback_is_kept_with_what_is_needed_to_look_into_it(tmp_path: Path) -> None:
    node = make_node(steps.add, "add", {"a": 1.0, "b": 2.0})
    node.base_dir = str(tmp_path)
    failure = CrashFolder(tmp_path).write(node, Trouble("It failed.", "Traceback of it"))
    assert failure.file is not None
    assert failure.told == f"It failed. Traceback: {failure.file}"
    text = failure.file.read_text()
    for words in (
        "tests.engine.steps_for_tests.add",
        f"engine.rerun {tmp_path}/add",
        "a = 1.0",
        "Traceback of",
    ):
        assert words in text


def test_a_step_whose_traceback_cannot_be_written_has_failed_all_the_same(tmp_path: Path) -> None:
    node = make_node(steps.add, "add", {"a": 1.0, "b": 2.0})
    node.base_dir = str(tmp_path)
    failure = CrashFolder(tmp_path / "gone").write(node, Trouble("It failed.", "Traceback of it"))
    assert tuple(failure) == ((), "add", "It failed.", "Traceback of it", None)
    assert failure.told == "It failed."
