"""Write docs/errors.md from the catalogue: `python -m tests.catalogue.write`."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.catalogue import blood, content, times, wishes
from tests.catalogue.case import Case

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
SECTIONS: tuple[tuple[str, Sequence[Case]], ...] = (
    ("Time axis: fields", (*times.LISTS, *times.SCALARS, *times.REQUIRED)),
    ("Time axis: units, order, decay", (*times.UNITS, *times.ORDER, *times.DECAY)),
    ("Administration and tracer", (*content.ADMINISTRATION, *content.DOSE, *content.TRACER)),
    ("Events and windows", (*content.EVENT_FILES, *wishes.WINDOWS)),
    ("Files and images", (*content.FILES, *content.IMAGES)),
    ("Names and folders", content.NAMES),
    ("Model, reference, atlas", wishes.KINETICS),
    ("Arterial blood", blood.CASES),
    ("Dataset, filters, derivatives, output", (*wishes.DATASET, *wishes.DERIVATIVES)),
)
HEAD = """\
# What can be wrong with a dataset, and what is said of it

Made by `python -m tests.catalogue.write` from the cases of `tests/catalogue`: each is a dataset of two good scans, of
which one is damaged in one way. `tests/test_catalogue.py` checks sentence and exit code, and that the good scan starts.

`run.py BIDS_DIR OUTPUT_DIR participant --dry-run` collects all of these of every scan before anything is computed,
groups them by cause, and names the files to fetch in one line; it works on a dataset whose images were never fetched.
Its exit code: 0 where every scan can start, 1 where some can, else the code of the first error below. `--json` says the
same to programs. A run begins with the same collection. Paths are told here from the dataset on.
"""


def main() -> int:
    """Run every case and write what is said."""
    lines = [HEAD]
    for title, cases in SECTIONS:
        lines += [
            f"## {title}",
            "",
            "| what is wrong | what is said | what to do | code |",
            "|---|---|---|---|",
        ]
        lines += [_row(case) for case in cases]
        lines.append("")
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
    return 0


def _row(case: Case) -> str:
    with tempfile.TemporaryDirectory() as folder:
        causes = case.run(Path(folder)).causes
    cause = next(cause for cause in causes if case.sentence in cause.sentence)
    cells = (
        case.name,
        _plain(cause.sentence, folder),
        _plain(cause.remedy, folder),
        str(int(cause.exit_code)),
    )
    return f"| {' | '.join(cells)} |"


def _plain(text: str, folder: str) -> str:
    """Without the folders of the trial, and without signs that would break the table."""
    return text.replace(f"{folder}/raw/", "").replace(f"{folder}/", "").replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
