"""Every damage of the catalogue has its sentence, its exit code, and stops nobody else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from morbids.errors import ExitCode
from tests.catalogue import blood, content, times, wishes
from tests.catalogue.case import BAD, GOOD, Case
from tests.catalogue.write import PAGE, SECTIONS

ROOT = Path(__file__).parents[1]
CASES = (*times.CASES, *content.CASES, *wishes.CASES, *blood.CASES)


def test_the_catalogue_has_150_cases_of_different_names() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_damage_is_told_and_stops_nobody_else(case: Case, tmp_path: Path) -> None:
    found = case.run(tmp_path)
    told = [cause for cause in found.causes if case.sentence in cause.sentence]
    assert told, [cause.sentence for cause in found.causes]
    assert case.file in told[0].sentence
    assert told[0].remedy, "a person must know what to do"
    assert told[0].exit_code == case.exit_code
    assert not [cause for cause in found.causes if cause.exit_code == ExitCode.FAILED], "no rule foresaw it"
    able = [plan.scan.entities["sub"] for plan in found.plans.scans]
    if case.stops:
        assert (able, found.exit_code) == ([], case.exit_code)
    else:
        assert (able, found.exit_code) == ([GOOD], ExitCode.FAILED)
        assert all(f"sub-{BAD}" in scan or "sub-77" in scan for scan in told[0].scans)


def test_the_page_of_errors_is_made_of_the_catalogue() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [case.name for _, cases in SECTIONS for case in cases if f"| {case.name} |" not in page] == []
    assert sum(len(cases) for _, cases in SECTIONS) == len(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if case.by_command], ids=lambda case: case.name)
def test_the_command_says_the_same_beside_the_validator(case: Case, tmp_path: Path) -> None:
    case.make(tmp_path)
    words = [str(ROOT / "run.py"), str(tmp_path / "raw"), str(tmp_path / "out"), "participant"]
    command = [sys.executable, *words, "--dry-run", "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in finished.stderr
    assert finished.returncode == (case.exit_code if case.stops else ExitCode.FAILED), finished.stderr
    problems = json.loads(finished.stdout)["problems"] if finished.stdout else []
    told = [finished.stderr, *(problem["sentence"] for problem in problems)]
    assert [sentence for sentence in told if case.sentence in sentence]
