"""The documentation site has every page and documents modules that exist; commands of the walkthrough are ours."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest

from morbids.figures.command import make_parser
from morbids.options.command_line import build_parser
from morbids.simulation.__main__ import build_parser as build_simulation_parser

ROOT = Path(__file__).parents[1]
WALKTHROUGH = (ROOT / "docs" / "walkthrough.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```\n(.*?)```", WALKTHROUGH, re.DOTALL) for line in block.splitlines()
]


def test_every_page_is_in_the_navigation_once() -> None:
    listed = re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE)
    written = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert sorted(listed) == sorted(written)


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "api").glob("*.md")), ids=lambda page: page.stem)
def test_documented_modules_exist(page: Path) -> None:
    modules = re.findall(r"^::: (\S+)$", page.read_text(), flags=re.MULTILINE)
    assert len(modules) > 3
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def test_commands_of_the_walkthrough_are_understood() -> None:
    parsers = {
        ".venv/bin/python run.py ": build_parser(),
        ".venv/bin/python -m morbids.simulation ": build_simulation_parser(),
        ".venv/bin/python -m morbids.figures ": make_parser(),
    }
    read = 0
    for command in COMMANDS:
        for beginning, parser in parsers.items():
            if command.startswith(beginning):
                parser.parse_args(shlex.split(command.removeprefix(beginning), comments=True))
                read += 1
    assert read == 6


def test_costs_of_ten_thousand_scans_are_those_of_the_benchmark() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    figures = json.loads((ROOT / "benchmarks" / "results" / "scale.json").read_text())["figures"]
    rows = re.findall(
        r"^\| `(\w+)` \|[^|]*\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", page, re.MULTILINE
    )
    assert len(rows) >= 10, "a row is: key, what it is, fixed, per scan, misfit, ten thousand"
    for key, *shown in rows:
        for end, text in zip(("fixed", "per_scan", "worst_percent", "at_10000"), shown, strict=True):
            decimals = len(text.partition(".")[2])
            assert f"{figures[f'model_{key}_{end}']:.{decimals}f}" == text, f"{key}, {end}"
