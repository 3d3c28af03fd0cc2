"""The first page of the dataset, made of what is on disk: participants' pages, their tables of quality, the group."""

from collections.abc import Iterator
from pathlib import Path

from morbids.bids.dataset import morbids_version
from morbids.bids.names import ROLES, output_path, parse_name
from morbids.bids.tables import read_texts
from morbids.reports.index import IndexReport, ParticipantLine, write_index_page
from morbids.reports.pages import Level

# Of more participants than this a job of some does not read what all others have left: N jobs would read N x N tables.
MOST_READ_BY_A_JOB = 100


def is_left_to_others(output_dir: Path) -> bool:
    """Whether a run of named participants leaves the first page to the group level, or to a run of all participants."""
    there = output_path(output_dir, {}, "index_page").exists()
    return there and sum(1 for _ in output_dir.glob("sub-*.html")) > MOST_READ_BY_A_JOB


def write_index(output_dir: Path, dataset: str) -> Path:
    """Write the page of the derivative dataset in `output_dir`; return its path."""
    group = output_path(output_dir, {}, "group_page")
    report = IndexReport(
        dataset=dataset,
        participants=tuple(_participants(output_dir)),
        group_page=group if group.exists() else None,
        version=morbids_version(),
    )
    return write_index_page(report, output_path(output_dir, {}, "index_page"))


def _participants(dataset: Path) -> Iterator[ParticipantLine]:
    """A line for every participant with a page; a scan without a table of quality did not end well."""
    role = ROLES["quality"]
    pattern = f"*_desc-{role.fixed['desc']}_{role.suffix}{role.extension}"
    for page in sorted(dataset.glob("sub-*.html")):
        own = dataset / page.stem
        tables = sorted([*own.glob(f"pet/{pattern}"), *own.glob(f"ses-*/pet/{pattern}")])
        concerns = [
            f"{_scan(table)}: {concern}" for table in tables for concern in read_texts(table, "concern")
        ]
        if not tables:
            yield ParticipantLine(page.stem, page, "fail", 0, "No scan was finished; the page says why.")
        else:
            verdict: Level = "flag" if concerns else "pass"
            yield ParticipantLine(page.stem, page, verdict, len(tables), " ".join(concerns))


def _scan(table: Path) -> str:
    entities = parse_name(table).entities
    told = [value for key, value in entities.items() if key in ("ses", "task", "run")]
    return " ".join(told) or f"sub-{entities['sub']}"
