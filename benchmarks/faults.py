"""Faults in the middle of a run: kills at random moments, full disks, folders that vanish or may not be written.

After each fault no file may stand half-written under its final name, no process may be left, and once the same command
has ended well its results must be those of a run that nothing disturbed.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from benchmarks.compare import compare_files, compare_folders
from benchmarks.runs import ROOT, STARTED, Places, finish, session_of, simulate, start

FOLDER = ROOT / "build" / "benchmarks" / "faults"
VICTIMS = ("program", "worker", "registration")
KILLS_OF_A_LIFE = 10
"""Kills of one run that goes on and on, before it may end and is compared."""
LATEST_END_S = 5.0
# What every run writes anew, or a failed one otherwise, and how it ends when it is whole.
ENDS = {".html": "</html>", "dataset_description.json": "}", "desc-quality_metrics.tsv": ""}


class Verdict(NamedTuple):
    """What a fault did: the exit code, whether the sentence came, whether the same command then made equal results."""

    exit_code: int
    told: bool
    equal: bool

    @property
    def good(self) -> bool:
        """Told with a code that is no success, and mended by running again."""
        return self.exit_code > 0 and self.told and self.equal


def run(quick: bool, seed: int = 0) -> dict[str, float]:
    """Kill 50 times (quick: 5), then fill disks and take folders away."""
    chance = random.Random(seed)
    places = Places(simulate(FOLDER, 1), FOLDER / "out", FOLDER / "work", FOLDER / "log.txt")
    reference = places._replace(out=FOLDER / "reference", work=FOLDER / "reference-work")
    reference.clear()
    began = time.monotonic()
    if finish(reference):
        raise SystemExit(f"The undisturbed run failed: see {reference.log}.")
    whole_s = time.monotonic() - began
    figures = kill_often(places, reference.out, 5 if quick else 50, chance, whole_s)
    for name, verdict in other_faults(places, reference.out):
        print(f"{name}: {verdict}", flush=True)
        figures[f"{name}_good"] = float(verdict.good)
    return figures | {"undisturbed_s": whole_s, "seed": float(seed)}


def kill_often(
    places: Places, reference: Path, n_kills: int, chance: random.Random, whole_s: float
) -> dict[str, float]:
    """Kill so often; each life of the run, which takes up its work after every kill, ends in a comparison."""
    counts = dict.fromkeys(("kills", "kills_equal", "half_written", "left_processes", "left_files"), 0)
    by_victim = dict.fromkeys(VICTIMS, 0)
    while counts["kills"] < n_kills:
        places.clear()
        in_life = 0
        for gap_s in draw_gaps(min(KILLS_OF_A_LIFE, n_kills - counts["kills"]), whole_s, chance):
            victim = kill_once(places, chance, gap_s)
            if not victim:  # the run has ended before
                break
            in_life += 1
            by_victim[victim] += 1
            counts["left_processes"] += count_left(places)
            counts["half_written"] += len(half_written(places.out, reference))
            print(f"killed the {victim} after {places.told.count(': done after')} steps", flush=True)
        equal = ends_equal(places, reference)
        counts["kills"] += in_life
        counts["kills_equal"] += in_life * equal
        counts["left_files"] += len(hidden_files(places.out))
    named = {f"kills_of_{name}": float(count) for name, count in by_victim.items()}
    return {name: float(count) for name, count in counts.items()} | named


def draw_gaps(n_kills: int, whole_s: float, chance: random.Random) -> list[float]:
    """Seconds of work before each kill of a life: together they are random moments of one undisturbed run."""
    moments = sorted(chance.uniform(0, whole_s) for _ in range(n_kills))
    return [moment - before for before, moment in pairwise([0.0, *moments])]


def kill_once(places: Places, chance: random.Random, gap_s: float) -> str:
    """Start the run and kill one of its processes when it has worked so long; empty where it ended before that."""
    process = start(places)
    (places.log.parent / "leader").write_text(str(process.pid))
    while process.poll() is None and not STARTED.search(places.told):
        time.sleep(0.05)
    try:
        process.wait(gap_s)
        return ""
    except subprocess.TimeoutExpired:
        pass
    victim, number = choose_process(process.pid, chance)
    os.kill(number, signal.SIGKILL)
    process.wait()
    return victim


def choose_process(program: int, chance: random.Random) -> tuple[str, int]:
    """Pick a kind of process, then one of it; a registration wherever one runs, as that is seldom."""
    kinds: dict[str, list[int]] = {name: [] for name in VICTIMS}
    for number in session_of(program):
        try:
            words = Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        kind = "registration" if "greedy_process" in words else "worker"
        kinds["program" if number == program else kind].append(number)
    running = [name for name in VICTIMS if kinds[name]]
    kind = "registration" if kinds["registration"] else chance.choice(running or ["program"])
    return kind, chance.choice(kinds[kind] or [program])


def count_left(places: Places) -> int:
    """Processes that are still there some seconds after the program has ended."""
    leader = int((places.log.parent / "leader").read_text())
    end = time.monotonic() + LATEST_END_S
    while session_of(leader) and time.monotonic() < end:
        time.sleep(0.1)
    return len(session_of(leader))


def half_written(out: Path, reference: Path) -> list[str]:
    """Files under a final name that are no whole file: pages and tables of a failed scan say so, and may differ."""
    found = []
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out)
        hidden = any(part.startswith(".") and part != ".bidsignore" for part in name.parts)
        if path.is_file() and not hidden and (fault := fault_of(path, reference / name)):
            found.append(f"{name}: {fault}")
    for line in found:
        print(f"  half-written: {line}", flush=True)
    return found


def fault_of(path: Path, expected: Path) -> str:
    """In what a file differs from that of the undisturbed run; of what every run writes anew, whether it is whole."""
    for end, whole in ENDS.items():
        if path.name.endswith(end):
            return "" if path.read_text(encoding="utf-8").rstrip().endswith(whole) else "torn"
    if not expected.exists():
        return "the undisturbed run has no such file"
    try:
        return compare_files(path, expected)
    except Exception as error:  # a file that cannot be read is what is looked for
        return f"{type(error).__name__}: {error}"


def hidden_files(out: Path) -> list[Path]:
    """Unfinished files that a killed run has left in the output."""
    return [path for path in out.rglob(".*") if path.is_file() and path.name != ".bidsignore"]


def ends_equal(places: Places, reference: Path) -> bool:
    """Whether the same command, undisturbed, ends well with the results of the reference."""
    if finish(places):
        print(f"  the run after the fault failed: {places.told[-2000:]}", flush=True)
        return False
    differences = list(compare_folders(reference, places.out))
    for difference in differences:
        print(f"  {difference.name}: {difference.what}", flush=True)
    return not differences


def other_faults(places: Places, reference: Path) -> Iterator[tuple[str, Verdict]]:
    """Faults of disks and folders; those that need a mount only as root."""
    yield (
        "work_deleted",
        disturb(places, reference, lambda: shutil.rmtree(places.work, ignore_errors=True), "is not there"),
    )
    if os.geteuid() != 0:
        print("faults: SKIPPED full disks and a read-only output: only root can mount", flush=True)
        return
    for name in ("work", "out"):
        folder = places.work if name == "work" else places.out
        with small_disk(folder, places):
            places.clear()
            code = finish(places)
            told = "no space left" in places.told.lower()
            resize(folder, "1g")
            yield f"full_{name}", Verdict(code, told, ends_equal(places, reference))
    with small_disk(places.out, places):
        resize(places.out, "1g")
        yield (
            "read_only_output",
            disturb(places, reference, lambda: remount(places.out, "ro"), "read-only", places.out),
        )


def disturb(
    places: Places, reference: Path, fault: Callable[[], object], sentence: str, mounted: Path | None = None
) -> Verdict:
    """Let something happen when a few steps are done; then make it good and run again."""
    places.clear()
    process = start(places)
    while process.poll() is None and places.told.count(": done after") < 3:
        time.sleep(0.2)
    fault()
    code = process.wait()
    told = sentence in places.told.lower()
    if mounted is not None:
        remount(mounted, "rw")
    return Verdict(code, told, ends_equal(places, reference))


@contextmanager
def small_disk(folder: Path, places: Places) -> Iterator[None]:
    """Mount 3 MB of memory on a folder."""
    places.clear()
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "morbids-faults", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def resize(folder: Path, size: str) -> None:
    """Give a mounted disk another size."""
    remount(folder, f"size={size}")


def remount(folder: Path, options: str) -> None:
    """Change how a disk is mounted."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
