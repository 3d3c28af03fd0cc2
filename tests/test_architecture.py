"""The shape of the package: imports point one way."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.draw_graphs import PAGE, draw_all, put

pytestmark = pytest.mark.graph

ROOT = Path(__file__).parents[1]


def test_import_contracts_hold() -> None:
    """In a process of its own: the checker switches off the loggers of the one it runs in."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_page_shows_the_graphs_that_the_program_builds(tmp_path: Path) -> None:
    page = PAGE.read_text()
    assert put(page, draw_all(tmp_path)) == page, "run python -m tests.draw_graphs"


def test_a_drawing_goes_where_its_mark_is() -> None:
    page = "a\n<!-- x -->\nold\n<!-- end of x -->\nb"
    assert put(page, {"x": "new"}) == "a\n<!-- x -->\nnew\n<!-- end of x -->\nb"
    assert put(put(page, {"x": "new"}), {"x": "newer"}).count("newer") == 1
