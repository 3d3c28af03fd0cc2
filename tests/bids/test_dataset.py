"""The top of the derivative dataset, whole whoever writes it, and readable by pybids."""

import importlib.resources
import json
import multiprocessing
import os
import re
from pathlib import Path

import pytest
from bids.layout import BIDSLayout

from morbids.bids.dataset import (
    bidsignore,
    check_output,
    dataset_description,
    morbids_version,
    write_dataset_files,
)
from morbids.bids.names import DRAFT_SUFFIXES, output_path
from morbids.bids.writing import replace_file, write_text
from morbids.errors import ExitCode, MorbidsError
from tests.bids.conftest import DatasetMaker

SCAN = {"sub": "01", "task": "x"}
FILES = {"dataset_description.json", "README.md", ".bidsignore", "CITATION.bib"}


def test_files_say_what_made_them_and_from_what(dataset: DatasetMaker, tmp_path: Path) -> None:
    write_dataset_files(tmp_path / "out", dataset.root)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    description = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Version"] == morbids_version()
    raw = description["DatasetLinks"]["raw"]
    assert raw == description["SourceDatasets"][0]["URL"]
    assert (tmp_path / "out" / raw).resolve() == dataset.root.resolve()
    assert 'from the dataset "Tiny"' in (tmp_path / "out" / "README.md").read_text()


def test_a_container_and_a_doi_are_named(tmp_path: Path) -> None:
    raw = {"Name": "Study", "DatasetDOI": "doi:10.1/x"}
    docker = dataset_description(raw, tmp_path, {"MORBIDS_CONTAINER_TAG": "morbids:1"})
    assert docker["GeneratedBy"][0]["Container"] == {"Type": "docker", "Tag": "morbids:1"}
    assert docker["SourceDatasets"][0]["DOI"] == "doi:10.1/x"
    apptainer = dataset_description(
        raw, tmp_path, {"MORBIDS_CONTAINER_TAG": "morbids:1", "APPTAINER_NAME": "m.sif"}
    )
    assert apptainer["GeneratedBy"][0]["Container"]["Type"] == "singularity"
    assert "Container" not in dataset_description(raw, tmp_path, {})["GeneratedBy"][0]


def test_every_draft_suffix_is_ignored_and_no_pattern_ends_in_a_slash() -> None:
    lines = bidsignore().splitlines()
    assert {f"*_{suffix}.*" for suffix in DRAFT_SUFFIXES} < set(lines)
    assert {"figures", "group", "*.html"} < set(lines)
    assert not any(line.endswith("/") for line in lines)


def test_what_holds_for_the_raw_data_holds_for_its_derivatives(tmp_path: Path) -> None:
    raw = {"Name": "Study", "Authors": ["A. Person"], "License": "CC0", "HowToAcknowledge": "Cite us."}
    description = dataset_description(raw, tmp_path, {})
    assert (description["Authors"], description["License"]) == (["A. Person"], "CC0")
    assert "CITATION.bib" in description["HowToAcknowledge"]
    assert "License" not in dataset_description({"Name": "Study"}, tmp_path, {})


def test_datasets_without_a_common_folder_are_linked_by_a_uri(dataset: DatasetMaker, tmp_path: Path) -> None:
    write_dataset_files(tmp_path / "out", dataset.root, {"maps": Path("/elsewhere/maps")})
    description = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert description["DatasetLinks"]["maps"] == "file:///elsewhere/maps"


def test_every_reference_has_a_doi_where_one_was_given() -> None:
    text = (importlib.resources.files("morbids") / "data" / "references.bib").read_text()
    entries = text.strip().split("\n@")
    assert len(entries) >= 10
    known_without = {"Holm1979", "Ichise1996", "Rousset1998", "Sullivan2013", "Westfall1993"}
    without = [entry for entry in entries if not re.search(r"doi = \{10\.\d{4,}/\S+\}", entry)]
    assert {entry.partition("{")[2].partition(",")[0] for entry in without} == known_without


def _write_often(output: str, raw: str) -> None:
    for _ in range(20):
        (Path(output) / "README.md").unlink(missing_ok=True)
        write_dataset_files(Path(output), Path(raw))


def test_simultaneous_jobs_leave_whole_files(dataset: DatasetMaker, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=_write_often, args=(str(output), str(dataset.root))) for _ in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0] * 4
    assert {path.name for path in output.iterdir()} == FILES
    json.loads((output / "dataset_description.json").read_text())


def test_equal_text_is_not_written_again(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "x", "same\n")
    before = (tmp_path / "a" / "x").stat()
    write_text(tmp_path / "a" / "x", "same\n")
    assert (tmp_path / "a" / "x").stat().st_ino == before.st_ino
    write_text(tmp_path / "a" / "x", "other\n")
    assert (tmp_path / "a" / "x").read_text() == "other\n"
    assert before.st_mode & 0o777 == 0o644


def test_what_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "x", "old")

    def fill_the_disk(partial: Path) -> None:
        partial.write_text("half")
        raise OSError(28, os.strerror(28))

    with pytest.raises(MorbidsError, match=r"x cannot be written: No space left on device\.") as caught:
        replace_file(tmp_path / "x", fill_the_disk)
    assert caught.value.exit_code == ExitCode.CANNOT_WRITE
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_pybids_finds_maps_by_their_draft_entities(dataset: DatasetMaker, tmp_path: Path) -> None:
    output = tmp_path / "out"
    write_dataset_files(output, dataset.root)
    for measure in ("BPND", "R1"):
        path = output_path(output, SCAN, "parametric_map", {"model": "LoganRef", "meas": measure})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    config = importlib.resources.files("morbids") / "data" / "pybids_config.json"
    layout = BIDSLayout(output, validate=False, config=["bids", "derivatives", str(config)])
    (found,) = layout.get(suffix="mimap", meas="BPND", task="x")
    assert found.filename == "sub-01_task-x_model-LoganRef_meas-BPND_mimap.nii.gz"


def describe(folder: Path, **fields: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset_description.json").write_text(json.dumps(fields))
    return folder


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Name": "x", "GeneratedBy": [{"Name": "fMRIPrep"}]}, r"out holds 'x' of fMRIPrep"),
        ({"Name": "another raw dataset"}, r"out holds 'another raw dataset' of raw data"),
        (
            {"Name": "morbids - receptor availability of B", "GeneratedBy": [{"Name": "morbids"}]},
            r"out holds 'morbids - receptor availability of B', and the dataset is 'Tiny'",
        ),
    ],
)
def test_results_of_others_are_not_mixed_with(
    dataset: DatasetMaker, tmp_path: Path, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(MorbidsError, match=message) as caught:
        check_output(describe(tmp_path / "out", **fields), dataset.root)
    assert caught.value.exit_code == ExitCode.USAGE


def test_participants_without_description_are_somebody_else_s(dataset: DatasetMaker, tmp_path: Path) -> None:
    (tmp_path / "out" / "sub-01").mkdir(parents=True)
    with pytest.raises(MorbidsError, match=r"has folders of participants \(sub-01\) and no description"):
        check_output(tmp_path / "out", dataset.root)


def test_own_results_are_gone_on_with_wherever_the_dataset_is_mounted(
    dataset: DatasetMaker, tmp_path: Path
) -> None:
    check_output(tmp_path / "out", dataset.root)
    write_dataset_files(tmp_path / "out", dataset.root)
    moved = dataset.root.rename(tmp_path / "mounted")
    check_output(tmp_path / "out", moved)
