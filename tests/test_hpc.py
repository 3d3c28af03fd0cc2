"""docs/hpc.md: what it says is what scripts run, word by word."""

import re
import subprocess

import pytest

from tests.test_project import ROOT

PAGE = ROOT / "docs/hpc.md"


def commands() -> list[str]:
    """Commands of the page's blocks, each as one line."""
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(), flags=re.M | re.S)
    return [line for block in blocks for line in re.sub(r"\\\n *", "", block).splitlines()]


def beginnings() -> dict[str, str]:
    """What scripts take from the page: beginnings of commands, and the script."""
    return {
        beginning: script.name
        for script in sorted((ROOT / "scripts").glob("*.sh"))
        for beginning in re.findall(r'as_documented (?:\w+ )?"([^"]+)"', script.read_text())
    }


def take(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "scripts/take_command.sh"), str(PAGE), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_command_of_the_page_is_run_by_a_script_that_the_page_names() -> None:
    taken = {take(beginning).stdout.rstrip("\n"): script for beginning, script in beginnings().items()}
    assert set(commands()) == set(taken)
    assert len(commands()) == len(set(commands())) > 8
    table = re.findall(r"^\| `(.*?)`.*\|$", PAGE.read_text(), flags=re.M)
    named = {"smoke_image.sh" if one == "make image" else one.removeprefix("scripts/") for one in table}
    assert set(taken.values()) <= named


def test_a_command_is_taken_as_it_stands_but_for_its_folders() -> None:
    told = take("docker run", "/data/study", "/home/me/bids").stdout
    assert "\\" not in told
    assert ' --user "$(id -u):$(id -g)" -v /home/me/bids:/bids:ro -v /data/derivatives:/out ' in told
    assert take("jobs/submit.sh").stdout == "jobs/submit.sh\n", "not the longer ones that begin so"


@pytest.mark.parametrize("beginning", ["docker pull", "jobs/"])
def test_none_or_several_commands_are_an_error(beginning: str) -> None:
    result = take(beginning)
    assert result.returncode == 1
    assert "not one command of" in result.stderr
