"""Many jobs on one output folder: eight participants at once, a group run in between; 1, 2 and 4 processes.

Every page must be whole at every moment, the group takes only scans that have ended, and the files of a participant are
the same bytes whoever else was at work and however many processes made them.
"""

import csv
import hashlib
import os
import re
import shutil
import time
from pathlib import Path

from benchmarks.runs import ROOT, Places, finish, simulate, start

FOLDER = ROOT / "build" / "benchmarks" / "concurrency"
GROUP_OPTIONS = ("--n-permutations", "16")
# Pages hold times; descriptions and sidecars the command line.
OWN_TO_A_RUN = (".html", "dataset_description.json")
COMMAND_LINE = re.compile(rb'"CommandLine": ".*"')


def run(quick: bool) -> dict[str, float]:
    """Eight participants at once (quick: three), then one of them alone with 1, 2 and 4 processes."""
    n_jobs = 3 if quick else 8
    bids = simulate(FOLDER, n_jobs)
    shutil.rmtree(FOLDER / "together", ignore_errors=True)
    together = FOLDER / "together"
    jobs = [
        Places(bids, together / "out", together / f"work-{number}", together / f"log-{number}.txt")
        for number in range(1, n_jobs + 1)
    ]
    together.mkdir()
    figures = run_together(jobs)
    alone = [run_alone(bids, n_procs) for n_procs in (1, 2, 4)]
    first = digests(alone[0].out, "sub-01")
    for places, n_procs in zip(alone[1:], (2, 4), strict=True):
        figures[f"bytes_differ_{n_procs}_processes"] = count_different(first, digests(places.out, "sub-01"))
    figures["bytes_differ_together"] = count_different(first, digests(jobs[0].out, "sub-01"))
    return figures | {"jobs": float(n_jobs), "files_of_a_participant": float(len(first))}


def run_together(jobs: list[Places]) -> dict[str, float]:
    """Start all jobs, look at the pages all the time, and run the group as soon as two have ended."""
    out = jobs[0].out
    group = jobs[0]._replace(
        work=jobs[0].work.with_name("work-group"), log=jobs[0].log.with_name("log-group.txt")
    )
    running = {
        number: start(places, "participant", "--participant-label", f"{number:02}", "--nprocs", "1")
        for number, places in enumerate(jobs, 1)
    }
    torn, between, unfinished = 0, -1.0, 0
    while any(process.poll() is None for process in running.values()):
        torn += count_torn(out)
        ended = {f"sub-{number:02}" for number, process in running.items() if process.poll() == 0}
        if between < 0 and 2 <= len(ended) < len(jobs):
            code = finish(group, "group", *GROUP_OPTIONS)
            later = {f"sub-{number:02}" for number, process in running.items() if process.poll() == 0}
            used = used_participants(out)
            between = float(len(used)) if not code else 0.0
            unfinished = len(used - later)
        time.sleep(0.2)
    codes = [process.wait() for process in running.values()]
    after = finish(group, "group", *GROUP_OPTIONS)
    index = (out / "index.html").read_text(encoding="utf-8")
    return {
        "failed_jobs": float(sum(code != 0 for code in codes)),
        "torn_pages": float(torn),
        "participants_of_group_in_between": between,
        "unfinished_in_group": float(unfinished),
        "group_after_exit_code": float(after),
        "participants_of_group_after": float(len(used_participants(out))),
        "participants_on_first_page": float(len(set(re.findall(r'href="sub-(\w+)\.html"', index)))),
    }


def count_torn(out: Path) -> int:
    """Pages that end before they end."""
    return sum(
        not page.read_text(encoding="utf-8").rstrip().endswith("</html>") for page in out.glob("*.html")
    )


def used_participants(out: Path) -> set[str]:
    """Participants of the rows that the last group run included."""
    used = set()
    for path in out.glob("group/model-*/rows.tsv"):
        with path.open(newline="", encoding="utf-8") as stream:
            lines = list(csv.DictReader(stream, delimiter="\t"))
        used |= {line["scan"].split("_")[0] for line in lines if line["status"] == "included"}
    return used


def run_alone(bids: Path, n_procs: int) -> Places:
    """One participant from nothing."""
    folder = FOLDER / f"alone-{n_procs}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    places = Places(bids, folder / "out", folder / "work", folder / "log.txt")
    options = ("--participant-label", "01", "--nprocs", str(n_procs), "--mem-gb", "8", "--omp-nthreads", "1")
    if finish(places, "participant", *options):
        raise SystemExit(f"A participant alone failed: see {places.log}.")
    return places


def digests(out: Path, participant: str) -> dict[str, str]:
    """Digest of every file of a participant but pages; of sidecars without the command line."""
    found = {}
    for path in sorted((out / participant).rglob("*")):
        if path.is_file() and not path.name.endswith(OWN_TO_A_RUN):
            content = path.read_bytes()
            if path.suffix == ".json":
                content = COMMAND_LINE.sub(b"", content)
            found[os.fspath(path.relative_to(out))] = hashlib.sha256(content).hexdigest()
    return found


def count_different(first: dict[str, str], second: dict[str, str]) -> float:
    """Files that only one has, or that differ."""
    names = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    for name in names:
        print(f"  differs: {name}", flush=True)
    return float(len(names))
