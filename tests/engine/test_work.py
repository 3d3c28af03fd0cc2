"""The work directory: whose it is, what is removed, what is named."""

import logging
import os
from importlib.metadata import version
from pathlib import Path

import pytest
from nipype import Workflow

from morbids.engine.nodes import make_node
from morbids.engine.templates import atlases_dir, templates_dir
from morbids.engine.work import (
    IN_USE,
    Cleaner,
    hold_work,
    make_work_dir,
    make_work_folder,
    remove_shared,
    size_of,
    tell_of_other_versions,
    work_folder,
)
from morbids.errors import ExitCode, MorbidsError
from morbids.settings import Resources
from tests.engine import steps_for_tests as steps

pytestmark = pytest.mark.graph


def test_the_folder_of_steps_is_of_this_version_and_closed_to_others(tmp_path: Path) -> None:
    folder = make_work_folder(tmp_path / "work")
    assert folder == work_folder(tmp_path / "work")
    assert folder.name == f"steps-{version('morbids')}"
    assert folder.stat().st_mode & 0o077 == 0
    assert make_work_folder(tmp_path / "work") == folder


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    make_work_folder(tmp_path).chmod(0o770)
    with pytest.raises(MorbidsError, match=r"Other users may write to .*chmod go-w") as caught:
        make_work_folder(tmp_path)
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(make_work_folder(tmp_path), 4321, -1)
    with pytest.raises(MorbidsError, match=r"belongs to another user \(number 4321.*--work-dir"):
        make_work_folder(tmp_path)


def test_a_work_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(MorbidsError, match=r"work directory .*file.* cannot be written to.*--work-dir"):
        make_work_dir(tmp_path / "file" / "work")


def test_other_versions_are_named_with_their_size(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="morbids")
    make_work_folder(tmp_path)
    old = tmp_path / "steps-0.0.9-abc" / "participants"
    old.mkdir(parents=True)
    with (old / "image.nii").open("wb") as stream:
        stream.truncate(260_000_000)
    (old / "table.tsv").write_bytes(b"x" * 1000)
    assert size_of(tmp_path) == (260_001_000, True)
    assert size_of(tmp_path, most=2) == (260_001_000, True)
    assert size_of(tmp_path, most=1) in [(260_000_000, False), (1000, False)], "not all were looked at"
    tell_of_other_versions(tmp_path)
    assert caplog.messages == [
        f"{tmp_path}/steps-0.0.9-abc (0.3 GB) is of another version; remove it if that is not used."
    ]


def two_units() -> Workflow:
    """A T1w image, and a scan that takes something of it."""
    whole, t1w, scan = Workflow("whole"), Workflow("t1w"), Workflow("scan")
    t1w.add_nodes([make_node(steps.add, "add", {"a": 1.0, "b": 2.0})])
    scan.add_nodes([make_node(steps.read, "read")])
    whole.connect(t1w, "add.report", scan, "read.report")
    return whole


@pytest.mark.parametrize(
    ("events", "left"),
    [
        ([("add", "end")], {"t1w", "scan"}),
        ([("add", "end"), ("read", "start"), ("read", "end")], set()),
        ([("add", "end"), ("read", "exception"), ("read", "end")], {"t1w", "scan"}),
        ([("read", "end")], {"t1w"}),
    ],
)
def test_a_finished_scan_is_removed_and_what_a_failed_one_needs_stays(
    tmp_path: Path, events: list[tuple[str, str]], left: set[str]
) -> None:
    whole = two_units()
    for name in ("t1w", "scan"):
        (tmp_path / "whole" / name / "step").mkdir(parents=True)
    nodes = {node.name: node for node in whole._create_flat_graph().nodes}
    clean = Cleaner(whole, tmp_path)
    for name, status in events:
        clean(nodes[name], status)
    assert {path.name for path in (tmp_path / "whole").iterdir()} == left


def what_scans_shared(work: Path) -> Resources:
    """A work directory after a run whose scans have been removed."""
    resources = Resources(1, 1, 2.0, work)
    step = make_work_folder(work) / "participants" / "atlas_AAL"
    for folder in (step, templates_dir(resources) / "tpl-X", atlases_dir(resources), work / "crashes-1"):
        folder.mkdir(parents=True)
        (folder / "file").write_text("content")
    step.with_suffix(".lock").touch()
    return resources


def test_what_scans_shared_is_removed_and_tracebacks_stay(tmp_path: Path) -> None:
    resources = what_scans_shared(tmp_path)
    with hold_work(tmp_path) as lock:
        remove_shared(resources, lock)
    assert {path.name for path in tmp_path.iterdir()} == {IN_USE, "crashes-1"}


def test_what_scans_shared_stays_while_another_run_goes_on(tmp_path: Path) -> None:
    resources = what_scans_shared(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with hold_work(tmp_path) as other:
        with hold_work(tmp_path) as lock:
            remove_shared(resources, lock)
        assert set(tmp_path.rglob("*")) == {*before, tmp_path / IN_USE}
        remove_shared(resources, other)
    assert not templates_dir(resources).exists(), "the last one removes it"


@pytest.mark.parametrize("version_of_scan", [version("morbids"), "0.0.9"])
def test_what_scans_shared_stays_for_a_scan_that_is_unfinished(tmp_path: Path, version_of_scan: str) -> None:
    resources = what_scans_shared(tmp_path)
    (tmp_path / f"steps-{version_of_scan}/participants/sub__01_T1w/normalize").mkdir(parents=True)
    with hold_work(tmp_path) as lock:
        before = sorted(tmp_path.rglob("*"))
        remove_shared(resources, lock)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / IN_USE).mkdir()
    with (
        pytest.raises(MorbidsError, match=r"work directory .* cannot be written to.*--work-dir"),
        hold_work(tmp_path),
    ):
        pass
