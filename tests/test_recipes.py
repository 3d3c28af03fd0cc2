"""The commands of docs/recipes.md do what the page says, on datasets of the kind that each recipe is for."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from morbids.bids.writing import write_json
from morbids.errors import ExitCode
from morbids.fit.command import main as fit
from morbids.options.command_line import build_parser, read_resources, read_settings, read_study
from morbids.participant.dry_run import dry_run
from morbids.settings import ScanSettings
from tests.bids.conftest import DURATION_S, START_S, DatasetMaker
from tests.participant.studies import write_blood, write_scan

pytestmark = pytest.mark.graph

PAGE = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text(encoding="utf-8")
SECTIONS = {text.splitlines()[0]: text for text in PAGE.split("\n## ")[1:]}


def commands(program: str) -> list[tuple[str, str]]:
    """Recipe and arguments of every line that calls a program."""
    return [
        (title, line.removeprefix(program).strip())
        for title, text in SECTIONS.items()
        for block in re.findall(r"```\n(.*?)```", text, flags=re.DOTALL)
        for line in block.splitlines()
        if line.startswith(program)
    ]


def make(title: str, dataset: DatasetMaker) -> None:
    """The dataset of a recipe."""
    changes: dict[str, object] = {}
    if title == "A new tracer":
        changes = {"TracerName": "novelty"}
    if title == "A drug challenge":
        changes = {"PharmaceuticalName": "naltrexone", "PharmaceuticalDoseTime": 2700}
    if title == "A tracer without reference region, with blood":
        changes = {"TracerName": "PS13"}
        write_blood(dataset, "sub-01/pet/sub-01_task-rejection_recording-manual_blood")
    write_scan(dataset, "01", changes=changes, events=False)
    corrected = "../PETPREP/sub-01/pet/sub-01_task-rejection_desc-mc_pet.nii.gz"
    dataset.image(corrected, len(START_S))
    dataset.image("../FMRIPREP/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz")
    if title == "k2' of the group":
        scans: dict[str, dict[str, float]] = {f"sub-0{n}": {} for n in range(1, 4)}
        pooled = {"k2prime": 0.11, "k2primeStandardError": 0.003, "k2primeSpreadBetweenScans": 0.004}
        write_json(dataset.root.parent / "OUT" / "k2prime.json", pooled | {"Scans": scans})


def place(word: str, places: dict[str, Path]) -> str:
    """A word of a command, with a real folder for one that stands for any."""
    head, _, rest = word.partition("/")
    return str(places[head] / rest) if head in places else word


@pytest.mark.parametrize(("title", "arguments"), commands("run.py "))
def test_every_command_can_be_run(title: str, arguments: str, dataset: DatasetMaker) -> None:
    make(title, dataset)
    folder = dataset.root.parent
    places = {
        "BIDS": dataset.root,
        **{name: folder / name for name in ("OUT", "WORK", "PETPREP", "FMRIPREP")},
    }
    words = [place(word, places) for word in shlex.split(arguments)]
    options = build_parser().parse_args(words)
    settings = read_settings(options)
    if not isinstance(settings, ScanSettings):
        return
    found = dry_run(read_study(options, words), settings, read_resources(options), validate=False)
    assert found.exit_code == ExitCode.OK, found.causes
    (plan,) = found.plans.scans
    if "--derivatives" in words:
        assert plan.taken is not None
        assert plan.t1w.taken is not None
    if title == "A drug challenge":
        assert [window.name for window in plan.kinetics.windows] == ["baseline", "challenge"]


@pytest.mark.parametrize(("title", "arguments"), commands("python -m morbids.fit "))
def test_curves_are_fitted(title: str, arguments: str, tmp_path: Path) -> None:
    """A reference that rises and falls, and a region that holds on to the tracer."""
    start, end = np.array(START_S), np.array(START_S) + np.array(DURATION_S)
    middle_min = (start + end) / 120
    reference = middle_min * np.exp(-middle_min / 15)
    target = middle_min * np.exp(-middle_min / 30)
    rows = zip(start, end, target, reference, strict=True)
    lines = ["frame_start\tframe_end\tputamen\treference", *("\t".join(map(str, row)) for row in rows)]
    (tmp_path / "TACS.tsv").write_text("\n".join(lines) + "\n")
    plasma = 60 * (middle_min * np.exp(-middle_min / 4) + 0.05)
    samples = [f"{time}\t{value}\t{value}\t0.9" for time, value in zip(middle_min * 60, plasma, strict=True)]
    columns = "time\tplasma_radioactivity\twhole_blood_radioactivity\tmetabolite_parent_fraction"
    (tmp_path / "BLOOD.tsv").write_text("\n".join([columns, *samples]) + "\n")
    unit = {"Units": "kBq/mL"}
    write_json(tmp_path / "BLOOD.json", {"plasma_radioactivity": unit, "whole_blood_radioactivity": unit})
    places = {"FIGURES"}
    words = [
        str(tmp_path / word) if word.endswith(".tsv") or word in places else word
        for word in shlex.split(arguments)
    ]
    assert fit(words) == ExitCode.OK
    assert (tmp_path / "KINPAR.tsv").read_text().splitlines()[1].startswith("putamen\t")


def test_every_recipe_has_commands() -> None:
    with_commands = {title for title, _ in (*commands("run.py "), *commands("python -m morbids.fit "))}
    assert with_commands == set(SECTIONS)
