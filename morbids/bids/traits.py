"""What is known of people beside their images: participants.tsv, sub-*_sessions.tsv and phenotype/*.tsv.

Each table speaks of participants, of sessions, or of single scans (task, run), told by its key columns; `join_traits`
puts the columns of all beside the rows of a group analysis.
"""

import difflib
from collections import Counter
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from morbids.bids.tables import read_column_names, read_table
from morbids.bids.trait_values import refuse_codes
from morbids.errors import MorbidsError

PARTICIPANT = "participant_id"
# Key columns of BIDS tables, and their spellings in phenotype files of other software.
_KEYS = MappingProxyType(
    {
        PARTICIPANT: "sub",
        "session_id": "ses",
        "task": "task",
        "tracer": "trc",
        "run": "run",
    }
)
_SPELLINGS = MappingProxyType(
    {"task_id": "task", "task_name": "task", "run_id": "run", "tracer_id": "tracer", "session": "session_id"}
)


class TraitTable(NamedTuple):
    """One file, with its key columns spelled as `participant_id`, `session_id`, `task`, `tracer`, `run`."""

    path: Path
    keys: tuple[str, ...]
    table: pd.DataFrame


class TraitTables(NamedTuple):
    """Tables that have a wanted column, and what is known of the others.

    Attributes
    ----------
    tables
        Read in full.
    others
        Columns of the tables that were not read, each with its file.
    unreadable
        A sentence for each table of which not even the column names can be read.
    """

    tables: tuple[TraitTable, ...]
    others: Mapping[str, Path] = MappingProxyType({})
    unreadable: tuple[str, ...] = ()


class JoinedTraits(NamedTuple):
    """Rows with every trait beside them, the file that each trait column is from, and what was not read."""

    table: pd.DataFrame
    sources: dict[str, Path]
    others: Mapping[str, Path] = MappingProxyType({})
    unreadable: tuple[str, ...] = ()


class _Header(NamedTuple):
    path: Path
    columns: tuple[str, ...]

    def has(self, wanted: Collection[str]) -> bool:
        """Whether a column fits one of the names or patterns, alone or as `<file>.<column>`."""
        names = [name for column in self.columns for name in (column, f"{self.path.stem}.{column}")]
        return any(name == one or fnmatchcase(name, one) for name in names for one in wanted)


def read_traits(bids_dir: Path, wanted: Collection[str] = ("*",)) -> TraitTables:
    """Read the tables of traits that have a wanted column: a broken table stops only those who ask for it.

    Parameters
    ----------
    wanted
        Names of columns, also as `<file>.<column>`, or patterns with * and ?.

    Raises
    ------
    MorbidsError
        A table cannot be read, names no participants, or says two things of one participant, session or scan.
    """
    headers: dict[str, list[_Header]] = {"participants": [], "sessions": [], "phenotype": []}
    unreadable: list[str] = []
    for kind, path in _trait_files(bids_dir):
        try:
            headers[kind].append(_Header(path, read_column_names(path)))
        except MorbidsError as error:
            unreadable.append(error.message)
    read = {kind: [one.path for one in found if one.has(wanted)] for kind, found in headers.items()}
    tables = [read_trait_table(path) for path in read["participants"]]
    sessions = [_read_sessions(path) for path in read["sessions"]]
    if sessions:
        joined = pd.concat([one.table for one in sessions], ignore_index=True)
        tables.append(TraitTable(bids_dir / "sub-*" / "sub-*_sessions.tsv", sessions[0].keys, joined))
    tables += [read_trait_table(path) for path in read["phenotype"]]
    others = {
        column: one.path
        for found in headers.values()
        for one in found
        if not one.has(wanted)
        for column in one.columns
        if column not in _KEYS
    }
    return TraitTables(tuple(tables), others, tuple(unreadable))


def _trait_files(bids_dir: Path) -> list[tuple[str, Path]]:
    """Every table of traits, by what it speaks of."""
    participants = bids_dir / "participants.tsv"
    there = [participants] if participants.exists() or participants.is_symlink() else []
    sessions = [path for path in sorted(bids_dir.glob("sub-*/sub-*_sessions.tsv")) if path.parent.is_dir()]
    return [
        *(("participants", path) for path in there),
        *(("sessions", path) for path in sessions),
        *(("phenotype", path) for path in sorted((bids_dir / "phenotype").glob("*.tsv"))),
    ]


def read_trait_table(path: Path) -> TraitTable:
    """Read one table that has a column `participant_id`.

    Raises
    ------
    MorbidsError
        The table cannot be read, has no `participant_id`, or has two rows of one key.
    """
    return _keyed(path, read_table(path))


def join_traits(rows: pd.DataFrame, traits: TraitTables) -> JoinedTraits:
    """Put the traits beside the rows of an analysis; missing ones are NaN.

    Parameters
    ----------
    rows
        One line per map: `participant_id` and, where the maps have them, `session_id`, `task`, `tracer`, `run`.
    traits
        As `read_traits` returns them. A column that two tables have is named `<file>.<column>` in both.

    Raises
    ------
    MorbidsError
        A table speaks of sessions or tasks that the rows do not tell apart, or names the participants otherwise.
    """
    tables = traits.tables
    taken = Counter(column for one in tables for column in one.table.columns if column not in one.keys)
    spelled = pd.DataFrame({key: _labels(rows[key], key) for key in _KEYS if key in rows.columns})
    columns, sources = [rows.reset_index(drop=True)], dict[str, Path]()
    for one in tables:
        _refuse_other_names(one, spelled[PARTICIPANT])
        table = _for_rows(one, rows)
        new_names = {
            column: column
            if taken[column] == 1 and column not in rows.columns and column not in traits.others
            else f"{one.path.stem}.{column}"
            for column in table.columns
            if column not in one.keys
        }
        keys = [key for key in one.keys if key in table.columns]
        beside = spelled.merge(table.rename(columns=new_names), on=keys, how="left", validate="many_to_one")
        columns.append(beside[list(new_names.values())])
        sources |= dict.fromkeys(new_names.values(), one.path)
    joined = pd.concat(columns, axis="columns")
    return JoinedTraits(joined, sources, traits.others, traits.unreadable)


def _refuse_other_names(one: TraitTable, participants: "pd.Series[str]") -> None:
    """Refuse a table that writes the participants otherwise than the maps, whose values would all be missing."""
    named = set(one.table[PARTICIPANT])
    absent = sorted(set(participants) - named)
    unused = {_bare(name): name for name in sorted(named - set(participants))}
    twins = [(name, unused[_bare(name)]) for name in absent if _bare(name) in unused]
    remedy = "Write the ids of the table as they stand in the names of the files."
    if not named:
        raise MorbidsError(
            f"{one.path} has no rows below the names of its columns.", "Write a row per participant."
        )
    if twins:
        (map_name, table_name), *more = twins
        others = f", and {len(more)} more alike" if more else ""
        raise MorbidsError(
            f"{one.path} names '{table_name}' where the maps are of '{map_name}'{others}: their values would be lost.",
            remedy,
        )
    if len(absent) == participants.nunique():
        raise MorbidsError(
            f"{one.path} names none of the participants of the maps: it has {', '.join(sorted(named)[:3])} ..., the "
            f"maps are of {', '.join(absent[:3])} ...",
            remedy,
        )


def _bare(participant: str) -> str:
    """Return a label without what differs by habit alone: case, zeros in front, signs between."""
    label = participant.removeprefix(f"{_KEYS[PARTICIPANT]}-").lower()
    return "".join(sign for sign in label if sign.isalnum()).lstrip("0")


def numeric_trait(traits: JoinedTraits, name: str) -> "pd.Series[float]":
    """Return one trait of every row as numbers; NaN = missing.

    Raises
    ------
    MorbidsError
        No table has the column, or it holds text, infinite values or a code for missing ones.
    """
    column = trait(traits, name)
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.astype(float)
        refuse_codes(numbers, name, str(traits.sources.get(name, "the rows")))
        return numbers
    text = [value for value in column.dropna() if not _is_number(value)]
    raise MorbidsError(
        f"{traits.sources.get(name, Path('the rows'))}: column '{name}' holds '{text[0] if text else column.iloc[0]}'.",
        "A regressor must hold numbers, n/a where missing; give a column of groups with --group-column.",
    )


def trait(traits: JoinedTraits, name: str) -> "pd.Series":
    """Return one column of every row.

    Raises
    ------
    MorbidsError
        No table has it; the hint names similar ones.
    """
    if name in traits.table.columns:
        return traits.table[name]
    qualified = [column for column in traits.sources if column.endswith(f".{name}")]
    known = [*traits.sources, *traits.others]
    close = qualified or difflib.get_close_matches(name, known, n=3)
    unreadable = "".join(f" Not readable: {sentence}" for sentence in traits.unreadable)
    raise MorbidsError(
        f"No table of the dataset has exactly one column '{name}'."
        if qualified
        else f"No table of the dataset has a column '{name}'.",
        (
            f"Did you mean {' or '.join(close)}?"
            if close
            else f"There are {', '.join(dict.fromkeys(known)) or 'none'}."
        )
        + unreadable,
    )


def _read_sessions(path: Path) -> TraitTable:
    """Read sub-01_sessions.tsv, which names its participant only in its own name."""
    table = read_table(path, required=("session_id",))
    if PARTICIPANT not in table.columns:
        table.insert(0, PARTICIPANT, path.parent.name)
    return _keyed(path, table)


def _keyed(path: Path, table: pd.DataFrame) -> TraitTable:
    """Spell the key columns and their values as BIDS names do, and check that they are keys."""
    twice = [name for name, count in Counter(read_column_names(path)).items() if count > 1]
    if twice:
        raise MorbidsError(f"{path} has two columns '{twice[0]}'.", "Give each column a name of its own.")
    spelled = table.rename(columns={old: new for old, new in _SPELLINGS.items() if new not in table.columns})
    if PARTICIPANT not in spelled.columns:
        raise MorbidsError(
            f"{path} has no column '{PARTICIPANT}'; it has {', '.join(map(str, table.columns))}.",
            "Every table of traits needs one, with values such as sub-01.",
        )
    keys = tuple(key for key in _KEYS if key in spelled.columns)
    for key in keys:
        spelled[key] = _labels(spelled[key], key)
    if spelled[PARTICIPANT].isna().any():
        row = int(spelled[PARTICIPANT].isna().to_numpy().argmax()) + 2
        raise MorbidsError(f"{path}: line {row} has no {PARTICIPANT}.", "Every row needs one.")
    again = spelled[spelled.duplicated(list(keys), keep="first")]
    if len(again):
        what = ", ".join(f"{key} {again.iloc[0][key]}" for key in keys)
        raise MorbidsError(
            f"{path} has two rows of {what}.",
            "Keep one, or add the column that tells them apart (session_id, task, run).",
        )
    return TraitTable(path, keys, spelled)


def _labels(column: "pd.Series", key: str) -> "pd.Series":
    """Values of a key column as BIDS names have them: `sub-01`, `ses-a`, `rest`, run `1` for `run-001`."""
    return column.map(lambda value: _label(_plain(value), key), na_action="ignore")


def _label(text: str, key: str) -> str:
    prefix = f"{_KEYS[key]}-"
    plain = text.removeprefix(prefix)
    if key in (PARTICIPANT, "session_id"):
        return prefix + plain
    return plain.lstrip("0") or "0" if key == "run" else plain


def _plain(value: object) -> str:
    """Text of a label that a table may have read as a number (`1.0` is `1`)."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _for_rows(one: TraitTable, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the keys that the rows have.

    A key that the rows lack may be dropped where it tells nothing apart (one session each).
    """
    lacking = [key for key in one.keys if key not in rows.columns]
    if not lacking:
        return one.table
    kept = [key for key in one.keys if key not in lacking]
    if one.table.duplicated(kept).any():
        raise MorbidsError(
            f"{one.path} has several rows per {' and '.join(kept)}, told apart by {', '.join(lacking)}, which the "
            "names of the maps do not have.",
            "Keep one row of each, or one column per condition.",
        )
    return one.table.drop(columns=lacking)


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True
