"""TSV files as BIDS writes them: tab-separated, UTF-8, missing values `n/a`; and the rows of `events.tsv`."""

import csv
import re
from pathlib import Path

import pandas as pd

from morbids.bids.inheritance import check_fetched
from morbids.bids.windows import Event
from morbids.bids.writing import write_text
from morbids.errors import MorbidsError

MISSING = "n/a"


def read_table(path: Path, required: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a TSV file: columns of numbers as numbers, `n/a` and empty cells as NaN, `_id` columns as text.

    Raises
    ------
    MorbidsError
        The file cannot be read or lacks a required column.
    """
    check_fetched(path)
    try:
        table = pd.read_csv(
            path,
            sep="\t",
            dtype=str,
            na_values=[MISSING, "N/A", "NaN", "nan", ""],
            keep_default_na=False,
            encoding="utf-8-sig",
            skipinitialspace=True,
        )
    except pd.errors.EmptyDataError as error:
        raise MorbidsError(f"{path} is empty.", "It needs a row of column names.") from error
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise MorbidsError(
            f"{path} cannot be read as a table: {str(error).strip()}.", "It must be tab-separated."
        ) from error
    if not isinstance(table.index, pd.RangeIndex):
        raise MorbidsError(
            f"{path} has rows with more cells than the {len(table.columns)} column names of its first line.",
            "Remove the extra tabs, or name the columns.",
        )
    table.columns = [str(column).strip() for column in table.columns]
    _refuse_other_separators(path, table)
    missing = [column for column in required if column not in table.columns]
    if missing:
        raise MorbidsError(
            f"{path} has no column '{missing[0]}'; it has {', '.join(table.columns)}.",
            "Columns are separated by tabs, and their names are case-sensitive.",
        )
    for column in table.columns:
        if not column.endswith("_id"):
            table[column] = _as_numbers(table[column])
    return table


def read_texts(path: Path, column: str) -> list[str]:
    """Cells of one column that are not missing: of a table of our own, without parsing the others.

    Raises
    ------
    MorbidsError
        The file cannot be read or lacks the column.
    """
    check_fetched(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file, delimiter="\t"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MorbidsError(
            f"{path} cannot be read as a table: {str(error).strip()}.", "It must be tab-separated."
        ) from error
    if lines and column not in lines[0]:
        raise MorbidsError(
            f"{path} has no column '{column}'.", "Another program or version wrote it: remove it."
        )
    return [line[column] for line in lines if line[column] not in (None, "", MISSING)]


def read_column_names(path: Path) -> tuple[str, ...]:
    """Names in the first line of a table, also where other signs than tabs part them.

    Raises
    ------
    MorbidsError
        The line cannot be read.
    """
    check_fetched(path)
    try:
        with path.open(encoding="utf-8-sig") as file:
            line = file.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise MorbidsError(
            f"{path} cannot be read as a table: {str(error).strip()}.", "It must be tab-separated."
        ) from error
    return tuple(name.strip().strip('"') for name in re.split("[\t,;]", line) if name.strip())


def _refuse_other_separators(path: Path, table: pd.DataFrame) -> None:
    """Refuse a file of one column whose name has commas or semicolons: it is a table of another kind."""
    signs = {",": "commas", ";": "semicolons"}
    found = [words for sign, words in signs.items() if len(table.columns) == 1 and sign in table.columns[0]]
    if found:
        raise MorbidsError(
            f"{path} is separated by {found[0]}: its first line is '{table.columns[0]}'.",
            "Tables of BIDS are separated by tabs: save it as tab-separated text.",
        )


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a TSV file in one step, so that a reader never sees half of it.

    Raises
    ------
    MorbidsError
        The folder cannot be written to.
    """
    write_text(path, table.to_csv(sep="\t", index=False, na_rep=MISSING, lineterminator="\n"))


def read_events(path: Path) -> tuple[Event, ...]:
    """Rows of an `events.tsv`; onset counts from the first stored frame.

    Raises
    ------
    MorbidsError
        A column is missing, an onset is no number, or a duration is negative.
    """
    table = read_table(path, required=("onset", "duration"))
    for column in ("onset", "duration"):
        wrong = [value for value in table[column] if isinstance(value, str)]
        if wrong:
            raise MorbidsError(
                f"{path}: column {column} holds '{wrong[0]}'.", "It must hold seconds; n/a where unknown."
            )
    if table["onset"].isna().any():
        raise MorbidsError(f"{path}: an onset is missing.", "Every event needs one, in seconds.")
    if (table["duration"] < 0).any():
        raise MorbidsError(
            f"{path}: a duration is {table['duration'].min():g} s.", "It must be 0 or more, or n/a."
        )
    names = table.get("trial_type", pd.Series([None] * len(table), dtype=object))
    return tuple(
        Event(float(onset), float(duration), "" if pd.isna(name) else str(name).strip())
        for onset, duration, name in zip(table["onset"], table["duration"], names, strict=True)
    )


def _as_numbers(column: "pd.Series[str]") -> "pd.Series[float] | pd.Series[str]":
    """Numbers where every value is one; text else, without spaces around it."""
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if (numbers.isna() == column.isna()).all() else column.str.strip()
