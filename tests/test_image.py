"""The container image: what its Dockerfile keeps to, what it gets, how its entrypoint hands out caches."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.test_project import CIRCLE, ROOT


def test_image_follows_the_container_rules() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    instructions = [line.split()[0] for line in lines if re.match(r"[A-Z]+ ", line)]
    final = len(instructions) - instructions[::-1].index("FROM")
    assert instructions[-1] == "ENTRYPOINT"
    assert not {"CMD", "USER", "VOLUME", "WORKDIR"} & set(instructions)
    assert "COPY version /version" in lines
    assert instructions[final:].count("RUN") == 1, "a layer keeps what a later one takes away"


def test_image_is_built_on_a_base_that_cannot_change() -> None:
    """Publishing asks for the tests, so that nothing is published on a base that is only a tag."""
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(
        r"^ARG BASE=docker\.io/library/debian:bookworm-slim@sha256:[0-9a-f]{64}$", text, flags=re.M
    )
    stages = re.findall(r"^FROM (\S+)(?: AS (\w+))?$", text, flags=re.M)
    assert [source for source, _ in stages] == ["${BASE}", "python", "python"]
    assert stages[0][1] == "python"
    jobs = CIRCLE["workflows"]["build"]["jobs"]
    (publish,) = (entry["publish"] for entry in jobs if "publish" in entry)
    assert "test" in publish["requires"]


def test_pinning_writes_the_digest_of_today(tmp_path: Path) -> None:
    """With a program in docker's place."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/pin_base.sh", tmp_path / "scripts")
    shutil.copy(ROOT / "Dockerfile", tmp_path)
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\n[ "$6" = docker.io/library/debian:bookworm-slim ] && echo "$DIGEST"\n')
    docker.chmod(0o755)

    def pin(digest: str) -> int:
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DIGEST": digest}
        return subprocess.run(
            [tmp_path / "scripts/pin_base.sh"], env=environment, capture_output=True, check=False
        ).returncode

    digest = f"sha256:{'a' * 64}"
    assert pin(digest) == 0
    assert (
        f"ARG BASE=docker.io/library/debian:bookworm-slim@{digest}\n" in (tmp_path / "Dockerfile").read_text()
    )
    assert pin("manifest unknown") == 1
    assert digest in (tmp_path / "Dockerfile").read_text()


def test_image_gets_every_file_that_it_uses() -> None:
    """`.dockerignore` lets in only what it names."""
    allowed = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    dockerfile = "\n".join(line for line in lines if not line.startswith("#"))
    used = {"morbids", "version", "pyproject.toml", "requirements.lock"}
    used |= set(re.findall(r"(scripts/\w+\.sh)", dockerfile))
    assert used <= set(allowed)
    for name in used:
        assert (ROOT / name).exists(), name


def run_entrypoint(folder: Path) -> str:
    """Cache folder that the image's entrypoint hands to the program, with the image's paths laid into `folder`."""
    program = folder / "program"
    program.write_text('#!/bin/sh\necho "$NUMBA_CACHE_DIR"\n')
    program.chmod(0o755)
    (folder / "cache/numba").mkdir(parents=True, exist_ok=True)
    text = (ROOT / "scripts/image_entrypoint.sh").read_text()
    script = folder / "entrypoint.sh"
    script.write_text(
        text.replace("/opt/cache", str(folder / "cache")).replace("/opt/venv/bin/morbids", str(program))
    )
    (folder / "tmp").mkdir(exist_ok=True)
    told = subprocess.run(
        ["sh", str(script)],
        env=os.environ | {"TMPDIR": str(folder / "tmp")},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


def test_the_image_keeps_one_cache_for_a_user(tmp_path: Path) -> None:
    first = run_entrypoint(tmp_path)
    assert first == str(tmp_path / f"tmp/morbids-{os.getuid()}/numba")
    assert Path(first).parent.stat().st_mode & 0o777 == 0o700
    assert run_entrypoint(tmp_path) == first
    assert len(list((tmp_path / "tmp").iterdir())) == 1


@pytest.mark.parametrize("planted", ["open to others", "a link", "somebody else's"])
def test_the_image_does_not_run_a_cache_that_others_can_write(tmp_path: Path, planted: str) -> None:
    """numba runs what it unpickles from its cache."""
    shared = tmp_path / f"tmp/morbids-{os.getuid()}"
    (tmp_path / "elsewhere").mkdir()
    shared.parent.mkdir()
    if planted == "a link":
        shared.symlink_to(tmp_path / "elsewhere")
    else:
        shared.mkdir(mode=0o755 if planted == "open to others" else 0o700)
        (shared / "bait").write_text("")
    if planted == "somebody else's":
        if os.getuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(shared, 12345, 12345)
    used = Path(run_entrypoint(tmp_path))
    assert shared not in used.parents
    assert used.parent.stat().st_mode & 0o777 == 0o700
