"""The files around the code that rot unnoticed: versions, lock files, make targets, CI."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version as installed_version
from pathlib import Path

import pytest
import yaml
from coverage import CoverageData
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from morbids.options.command_line import build_parser
from morbids.simulation.__main__ import build_parser as build_simulator_parser
from tests.unreached_raises import Raise, find_unreached, judge

ROOT = Path(__file__).parents[1]
VERSION = (ROOT / "version").read_text().strip()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
CIRCLE = yaml.safe_load((ROOT / ".circleci/config.yml").read_text())
GITHUB = yaml.safe_load((ROOT / ".github/workflows/checks.yml").read_text())
SCRIPTS = [
    *ROOT.glob("scripts/*.sh"),
    *ROOT.glob("morbids/data/slurm/*.sh"),
    ROOT / ".ci/run",
]
# Packages that are imported under another name than theirs.
OTHER_NAMES = {
    "xdist": "pytest-xdist",
    "bids": "pybids",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "ants": "antspyx",
}
OUTSIDE_PROGRAMS = {"docker", "test", "echo", "for", "python3"}


def locked_requirements(name: str) -> dict[str, list[Requirement]]:
    """Return the pinned requirements of a lock file by canonical name; one name may have several markers."""
    requirements: dict[str, list[Requirement]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            requirement = Requirement(line.rstrip("\\ "))
            requirements.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return requirements


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


def circle_commands() -> list[str]:
    """Every shell command of the CircleCI configuration, one per `run` step."""
    lists = [*CIRCLE["jobs"].values(), *CIRCLE["commands"].values()]
    return [
        step["run"]["command"]
        for job in lists
        for step in job["steps"]
        if isinstance(step, dict) and "run" in step
    ]


def test_versions_agree() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert installed_version("morbids") == VERSION
    assert str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]) == VERSION
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGES.md").read_text(), flags=re.MULTILINE)
    assert newest is not None
    assert newest[1] == VERSION


def test_licence_is_the_one_declared() -> None:
    licence = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", ["build"]), ("requirements-dev.lock", ["build", "dev"])]
)
def test_lock_covers_the_declared_dependencies(lock: str, extras: list[str]) -> None:
    locked = locked_requirements(lock)
    declared = [*PROJECT["dependencies"]]
    for extra in extras:
        declared += PROJECT["optional-dependencies"][extra]
    for text in declared:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{text} is not in {lock}: run `make lock`"
        for pinned in locked[name]:
            (pin,) = pinned.specifier
            assert pin.operator == "=="
            assert requirement.specifier.contains(pin.version), f"{lock} pins {pinned}, pyproject asks {text}"


def imported(folder: str) -> set[str]:
    """Packages of others that the modules of a folder import, by the name under which they are installed."""
    modules = {
        name.partition(".")[0]
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _names(node)
    }
    own = {"morbids", "tests", "benchmarks"}
    return {
        canonicalize_name(OTHER_NAMES.get(name, name)) for name in modules - own - sys.stdlib_module_names
    }


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


@pytest.mark.parametrize(
    ("folder", "extras"), [("morbids", []), ("tests", ["dev"]), ("benchmarks", ["dev", "peers"])]
)
def test_what_is_imported_is_declared(folder: str, extras: list[str]) -> None:
    """A package that comes along with another may stay away in the other's next version."""
    optional = {**PROJECT["optional-dependencies"], **PYPROJECT["dependency-groups"]}
    declared = [*PROJECT["dependencies"], *(text for extra in extras for text in optional[extra])]
    names = {canonicalize_name(Requirement(text).name) for text in declared}
    assert imported(folder) - names == set()
    assert "numpy" in imported(folder)


def test_runtime_lock_is_a_part_of_the_development_lock() -> None:
    runtime, development = (
        locked_requirements("requirements.lock"),
        locked_requirements("requirements-dev.lock"),
    )
    for name, pinned in runtime.items():
        assert {str(p) for p in pinned} == {str(p) for p in development[name]}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "docs/requirements.lock"])
def test_lock_has_hashes_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index-url" not in text.replace("--no-emit-index-url", "")
    for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_documented_make_targets_exist() -> None:
    pages = [ROOT / "CONTRIBUTING.md", ROOT / "README.md", ROOT / ".ci/run", *ROOT.glob("docs/*.md")]
    text = "\n".join(page.read_text() for page in pages if page.exists())
    named = set(re.findall(r"(?:`|^\s*)make ([a-z-]+)", text, flags=re.MULTILINE))
    assert {"demo", "test"} <= named
    assert named <= make_targets()


def test_make_targets_parse() -> None:
    targets = sorted(make_targets() - {"help"})
    tests = {"test", "test-quick", "test-all", "coverage"}
    assert {"env", "demo", "validate", "lint", "peers", "docs", "lock", "image", "clean"} | tests == set(
        targets
    )
    plan = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True, check=False)
    assert plan.returncode == 0, plan.stderr


def test_circle_commands_exist() -> None:
    commands = circle_commands()
    assert commands
    for command in commands:
        program, *arguments = command.split()
        if program == "make":
            assert arguments[0] in make_targets()
        elif "/" in program:
            assert os.access(ROOT / program, os.X_OK), f"{program} of .circleci/config.yml cannot be run"
        else:
            assert program in OUTSIDE_PROGRAMS, command


def test_circle_workflow_joins_jobs_that_exist() -> None:
    steps = {step for job in CIRCLE["jobs"].values() for step in job["steps"] if isinstance(step, str)}
    versions = CIRCLE["workflows"]["build"]["jobs"][1]["test"]["matrix"]["parameters"]["python"]
    assert versions[0] == PROJECT["requires-python"].removeprefix(">=")
    assert GITHUB["jobs"]["test"]["strategy"]["matrix"]["python"] == versions
    assert steps <= {"checkout"} | set(CIRCLE["commands"])
    for entry in CIRCLE["workflows"]["build"]["jobs"]:
        ((name, options),) = entry.items()
        assert name in CIRCLE["jobs"]
        assert set(options.get("requires", [])) <= set(CIRCLE["jobs"])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse_and_can_be_run(script: Path) -> None:
    shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
    result = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert os.access(script, os.X_OK)


def test_pre_commit_hooks_fetch_nothing_and_run_what_make_lint_runs() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert lint is not None
    linted = set(re.findall(r"\$\(BIN\)/([a-z-]+)", lint[1]))
    assert {Path(hook["entry"].split()[0]).name for hook in hooks} == linted


def find_python(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the script that looks for a Python where only one folder is searched."""
    command = ["/bin/sh", str(ROOT / "scripts/find_python.sh")]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("available", ["nothing", "too old"])
def test_missing_python_is_a_sentence(tmp_path: Path, available: str) -> None:
    if available == "too old":
        old = tmp_path / "python3"
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)
    result = find_python(tmp_path)
    assert result.returncode == 1
    assert "No Python 3.11 or newer" in result.stderr


def test_missing_venv_is_a_sentence(tmp_path: Path) -> None:
    python = tmp_path / "python3.11"
    python.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    python.chmod(0o755)
    result = find_python(tmp_path)
    assert result.returncode == 1
    assert "python3.11 cannot make virtual environments" in result.stderr
    assert "python3-venv" in result.stderr


def test_options_in_scripts_and_documents_exist() -> None:
    """What stands after the level on a command line of ours is an option of ours."""
    known = {option for action in build_parser()._actions for option in action.option_strings}
    files = [
        "Makefile",
        "docs/hpc.md",
        "morbids/data/slurm/participants.sh",
        "morbids/data/slurm/group.sh",
        "scripts/smoke_image.sh",
    ]
    used: set[str] = set()
    for name in files:
        text = (ROOT / name).read_text().replace("\\\n", " ").replace("$(DEMO_OPTIONS)", demo_options())
        for command in re.findall(r" (?:participant|group) +(--.*)$", text, flags=re.MULTILINE):
            used |= set(re.findall(r"--[a-z][a-z-]+", re.sub(r"'[^']*'", "", command)))
    assert {"--participant-label", "--work-dir", "--nprocs", "--mem-gb"} <= used
    assert used <= known


def demo_options() -> str:
    match = re.search(r"^DEMO_OPTIONS := (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert match is not None
    return match[1]


def test_demo_asks_the_simulator_for_options_that_it_has() -> None:
    command = re.search(r"^DEMO_STUDY := (.*)$", (ROOT / "Makefile").read_text(), flags=re.M)
    assert command is not None
    known = build_simulator_parser().format_help()
    for option in re.findall(r"--[a-z-]+", command[1]):
        assert option in known


def test_an_error_that_no_test_reaches_is_listed(tmp_path: Path) -> None:
    lines = [
        'raise MorbidsError("reached")',
        "raise MorbidsError(",
        '    "never"',
        ")",
        'raise ValueError("no")',
    ]
    (tmp_path / "module.py").write_text("\n".join(lines))
    data = CoverageData(no_disk=True)
    data.add_lines({str(tmp_path / "module.py"): {1}})
    assert [(one.first, one.text) for one in find_unreached(tmp_path, data)] == [
        (2, 'raise MorbidsError( "never" )')
    ]


def test_an_error_without_a_reason_fails_and_so_does_a_reason_without_one() -> None:
    files = [ROOT / "morbids" / name for name in ("a.py", "b.py")]
    unreached = [Raise(files[0], 1, 1, "raise Worse"), Raise(files[1], 2, 2, "raise Bad")]
    reasons = {("morbids/a.py", "Worse"): "a full disk", ("morbids/a.py", "Bad"): "no longer there"}
    assert judge(unreached, reasons) == ([unreached[1]], [("morbids/a.py", "Bad")])
