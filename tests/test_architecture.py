"""The shape of the package: imports point one way, and every module has its test file."""

from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]


def test_import_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_every_module_has_a_test_file_of_its_name() -> None:
    """A module that runs as a child process (`*_process.py`) is reached through the tests of its caller."""
    tests = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    modules = [path for path in (ROOT / "morbids").rglob("*.py") if not path.stem.startswith("__")]
    untested = [
        str(path.relative_to(ROOT))
        for path in modules
        if f"test_{path.stem.removesuffix('_process')}" not in tests and f"test_{path.stem}" not in tests
    ]
    assert not untested
