"""What the protocol alone can read, beside what it read: in words, by region, and as a table."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from morbids.bids.tables import read_table
from morbids.reports import tables
from morbids.reports.pages import Block, Folded, Text

# Columns of the table of null ranges that the page shows.
SHOWN = {
    "name": "Region",
    "contrast": "Contrast",
    "bp_nd": "BP_ND at baseline",
    "change_percent": "Baseline minus challenge (%)",
    "null_low_percent": "without release: from (%)",
    "null_high_percent": "to (%)",
    "shown_low_percent": "a true 10 % reads: from (%)",
    "shown_high_percent": "to (%) ",
    "full_low_percent": "full 95 % interval: from (%)",
    "full_high_percent": "to (%)  ",
    "white_share": "white matter",
    "fluid_share": "fluid",
}


class _Change(NamedTuple):
    """A region's line of the table."""

    name: str
    change_percent: float
    null_low_percent: float
    null_high_percent: float
    full_low_percent: float
    full_high_percent: float

    @property
    def words(self) -> str:
        """What was read, what the protocol alone can read, and what that leaves."""
        read = "fell" if self.change_percent > 0 else "rose"
        said = f"{self.name.replace('_', ' ')}: BP_ND {read} by {abs(self.change_percent):.1f} %"
        alone = f"the protocol alone reads {self.null_low_percent:+.1f} to {self.null_high_percent:+.1f} %"
        full = f"true change between {self.full_low_percent:+.1f} and {self.full_high_percent:+.1f} %"
        if self.full_low_percent > 0 or self.full_high_percent < 0:
            return f"{said}; {alone}, noise included the {full}: a change even at worst."
        if self.null_low_percent <= self.change_percent <= self.null_high_percent:
            return f"{said}; {alone}: no release is needed to explain it."
        return f"{said}; {alone}, noise included the {full}: more than the protocol, not more than its noise."


def report_ranges(path: Path) -> tuple[Block, ...]:
    """Sentences on the whole, sentences by region behind a fold, and the table."""
    table = read_table(path, tuple(SHOWN))
    known = table.dropna(subset=list(_Change._fields))
    lines = tuple(
        _Change(*line).words for line in known[list(_Change._fields)].itertuples(index=False, name=None)
    )
    caption = "What a-priori regions read, and what they can read without any release"
    folded = (Folded("Region by region, in words", (Text(lines),)),) if lines else ()
    return (Text(_say_ranges(table)), *folded, tables.read_table(path, caption, SHOWN))


def _say_ranges(table: pd.DataFrame) -> tuple[str, ...]:
    """A sentence per contrast: what can occur without release, and what a true release of 10 % reads as."""
    sentences = []
    for contrast, lines in table.groupby("contrast", sort=False):
        low, high = lines["null_low_percent"].median(), lines["null_high_percent"].median()
        shown = lines["shown_low_percent"].median(), lines["shown_high_percent"].median()
        sentences.append(
            f"With this protocol an apparent change between {low:+.0f} and {high:+.0f} % ({contrast}; the median "
            "a-priori region, others below) can occur without any release, because nobody knows its dissociation "
            f"rate, k2' and mixture of tissue; a true fall of BP_ND by 10 % reads as one between {shown[0]:+.0f} and "
            f"{shown[1]:+.0f} %. The full interval counts these and the noise."
        )
    return tuple(sentences)
