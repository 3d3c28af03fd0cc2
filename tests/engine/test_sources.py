"""A step's key holds what its code depends on, and nothing else."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import morbids
from morbids.engine.sources import code_digest, digest_of, find_dependencies

REGISTRATION = "morbids.imaging.coregistration"
FIGURES = "morbids.participant.steps.figures"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources that may be edited."""
    copy = tmp_path_factory.mktemp("sources") / "morbids"
    shutil.copytree(Path(morbids.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def edited(package: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    path = package / request.param
    before = path.read_text()
    path.write_text(before + "\n")
    yield package
    path.write_text(before)


def digest(module: str, package: Path) -> str:
    return digest_of(find_dependencies(module, {"morbids": package}))


@pytest.mark.parametrize(
    ("edited", "module", "same"),
    [
        ("reports/figures/slices.py", REGISTRATION, True),
        ("reports/templates/page.html", REGISTRATION, True),
        ("participant/scan.py", REGISTRATION, True),
        ("cli.py", FIGURES, True),
        ("reports/templates/page.html", FIGURES, True),
        ("imaging/greedy.py", REGISTRATION, False),
        ("imaging/greedy_process.py", REGISTRATION, False),
        ("errors.py", REGISTRATION, False),
        ("imaging/__init__.py", REGISTRATION, False),
        ("reports/figures/slices.py", FIGURES, False),
        ("data/spheres.tsv", "morbids.imaging.atlases", False),
        ("data/spheres.tsv", REGISTRATION, True),
        ("data/tracers.json", "morbids.numerics.kinetics.presets", False),
        # A plan holds what presets say: steps take it from there.
        ("data/tracers.json", "morbids.participant.steps.kinetics", True),
    ],
    indirect=["edited"],
)
def test_an_edit_changes_the_keys_of_what_depends_on_it(
    package: Path, edited: Path, module: str, same: bool
) -> None:
    assert (digest(module, edited) == code_digest(module)) == same


def test_a_copy_of_the_sources_has_the_same_digest(package: Path) -> None:
    assert digest(REGISTRATION, package) == code_digest(REGISTRATION)


def test_libraries_count_and_modules_that_are_run_by_name() -> None:
    found = find_dependencies(REGISTRATION, {"morbids": Path(morbids.__file__).parent})
    assert {"SimpleITK", "picsl_greedy", "numpy"} <= found.libraries
    assert "morbids.imaging.greedy_process" in found.files


def test_every_data_file_of_the_program_is_some_modules() -> None:
    """Data that is not named as text in a module would never change a key."""
    package = Path(morbids.__file__).parent
    named = {
        name
        for path in package.rglob("*.py")
        for name in find_dependencies(
            ".".join(path.relative_to(package.parent).with_suffix("").parts), {"morbids": package}
        ).files
    }
    unread = {path.name for path in (package / "data").iterdir() if path.is_file()} - named
    assert unread == {"truth_regions.tsv", "pybids_config.json"} - named
    assert "tracers.json" in named


def test_an_edit_of_the_reports_repeats_no_step_that_computes_an_image() -> None:
    """Only steps that draw, and those that draw what they have put into tables, know the reports."""
    package = Path(morbids.__file__).parent
    drawing = {
        path.stem
        for folder in ("imaging", "participant/steps", "group/steps")
        for path in (package / folder).glob("*.py")
        if any(
            name.startswith("morbids.reports")
            for name in find_dependencies(
                f"morbids.{folder.replace('/', '.')}.{path.stem}", {"morbids": package}
            ).files
        )
    }
    figures = {"figures", "frames", "null_range", "overview", "protocol", "viewer"}
    tables = {"correlations", "evidence", "influence", "places", "regions", "small_volumes", "two_scans"}
    assert drawing == figures | tables
