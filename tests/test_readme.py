"""The README tells what the program has: no option more, none less, no link to nowhere, no number of its own."""

import json
import re
from pathlib import Path

from morbids.options.command_line import build_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_options_is_that_of_the_parser() -> None:
    table = README[README.index("### Options") : README.index("Exit codes")]
    written = set(re.findall(r"--[a-z][a-z0-9-]+", table.replace("`run.py --help`", "")))
    accepted = {
        text
        for action in build_parser()._actions
        for text in action.option_strings
        if text.startswith("--") and "_" not in text and text != "--help"
    }
    assert written == accepted


def test_links_lead_to_files() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []


def test_numbers_are_those_of_the_benchmarks() -> None:
    rows = re.findall(
        r"^\| `python -m benchmarks (\w+)[^`]*` \| `(\w+)` \| (-?[\d.]+)", README, flags=re.MULTILINE
    )
    assert rows, "a row is: command, key, figure"
    for name, key, shown in rows:
        figure = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text())["figures"][key]
        decimals = len(shown.partition(".")[2])
        assert f"{figure:.{decimals}f}" == shown, f"{name} {key}"
