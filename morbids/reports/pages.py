"""What a page consists of, and how it becomes one HTML file that opens without a network.

A page is plain values: sections of blocks (figures, flickers, tables, facts, texts, alerts). Style sheet and
script travel inside the file; figures lie beside it and are linked relatively.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import floor, isfinite, isnan, log10
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from morbids.bids.writing import write_text
from morbids.reports.bibliography import Reference
from morbids.reports.numbers import format_number, format_p, format_quantity
from morbids.reports.strips import Strips, ends_of, place_points

Level = Literal["pass", "flag", "fail", "note"]
LEVEL_WORDS: dict[Level, str] = {"pass": "pass", "flag": "look", "fail": "failed", "note": "note"}
LEVEL_MARKS: dict[Level, str] = {"pass": "✓", "flag": "!", "fail": "✕", "note": "i"}


class Link(NamedTuple):
    """Text that leads to another file or to a section (`#id`) of the page."""

    text: str
    target: Path | str


class Badge(NamedTuple):
    """A verdict in a table cell."""

    level: Level
    text: str


class PValue(NamedTuple):
    """A probability; NaN for none."""

    p: float


class Quantity(NamedTuple):
    """A number among others of other kinds: shown by its own size, with its unit; None is not known."""

    value: float | None
    unit: str = ""


Cell = str | int | float | None | Link | Badge | PValue | Quantity


@dataclass(frozen=True)
class Figure:
    """A picture with its caption; `alt` says in words what it shows."""

    path: Path
    caption: str
    alt: str
    width: Literal["full", "half"] = "full"


@dataclass(frozen=True)
class Flicker:
    """Two pictures in one place that alternate, to compare them."""

    first: Path
    second: Path
    first_name: str
    second_name: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Table:
    """Rows of cells; numbers of a column share their decimals (see `Quantity`), None and NaN are n/a.

    `places` are those of the rows in the brain (x, y, z in mm; None for none): the interactive brain goes there.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    file: Path | None = None
    places: "tuple[Place | None, ...]" = ()


Place = tuple[float, float, float]


@dataclass(frozen=True)
class Viewer:
    """An interactive brain.

    Attributes
    ----------
    packs
        Scripts of `volumes.pack_layers`: anatomy, and the maps to choose from.
    people
        Script of `volumes.pack_people`; None for none.
    caption
        What stands under it.
    """

    packs: tuple[Path, ...]
    caption: str
    people: Path | None = None


@dataclass(frozen=True)
class Facts:
    """Names with their values, side by side."""

    items: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Text:
    """Paragraphs of prose."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Quotation:
    """Paragraphs to copy as they are, such as methods text, and the works that they cite by number.

    One click selects them all; `file` holds the works in BibTeX.
    """

    paragraphs: tuple[str, ...]
    references: tuple[Reference, ...] = ()
    file: Path | None = None


@dataclass(frozen=True)
class Listing:
    """Lines in a fixed-width face: a command line, settings."""

    text: str


@dataclass(frozen=True)
class Alert:
    """A sentence that must not be missed, with its remedy."""

    level: Level
    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class Folded:
    """Blocks behind a line that opens them."""

    summary: str
    blocks: "tuple[Block, ...]"


@dataclass(frozen=True)
class Rating:
    """A row per scan to keep or to exclude, with a note: the reader saves it as a table, which `command` reads."""

    scans: tuple[Link, ...]
    command: str


Block = (
    Strips | Rating | Figure | Flicker | Viewer | Table | Facts | Text | Quotation | Listing | Alert | Folded
)


@dataclass(frozen=True)
class Section:
    """A titled part of a page, perhaps with parts of its own; a folded one shows title and lead until it is opened."""

    title: str
    lead: str = ""
    blocks: tuple[Block, ...] = ()
    parts: "tuple[Section, ...]" = ()
    level: Level | None = None
    folded: bool = False


@dataclass(frozen=True)
class Page:
    """One HTML file.

    Attributes
    ----------
    title, subtitle
        Heading and the line under it.
    summary
        Blocks before the first section: what a reader wants first.
    sections
        The body; the navigation lists them.
    links
        Other pages, shown above the heading.
    footer
        One line: program and version.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    summary: tuple[Block, ...] = ()
    links: tuple[Link, ...] = ()
    footer: str = ""
    language: str = field(default="en")


def write_page(page: Page, out: Path) -> Path:
    """Write `page` to `out`; a figure that does not exist becomes a sentence that says so.

    Raises
    ------
    MorbidsError
        When `out` cannot be written.
    """
    html = (
        _environment()
        .get_template("page.html")
        .render(
            page=page,
            anchors=_anchors(page.sections),
            neighbours=_neighbours(page.sections),
            interactive=_is_interactive(page),
            n_folded=sum(section.folded for section, _ in _walk(page.sections)),
            folder=out.parent.resolve(),
        )
    )
    write_text(out, html)
    return out


# Outside this range a column's numbers each get digits of their own, with a power of ten.
_PLAIN_LOW, _PLAIN_HIGH = 1e-4, 1e5


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("morbids.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        notation=notation,
        cell=_cell,
        sort_key=_sort_key,
        relative=_relative,
        exists=_exists,
        kind=_kind,
        anchor=_anchor,
        points=place_points,
        ends=ends_of,
        neighbours=_neighbours_of,
    )
    environment.globals.update(words=LEVEL_WORDS, marks=LEVEL_MARKS, decimals=_decimals)
    return environment


_NOTATION = (
    (re.compile(r"\bBP_?ND\b"), "BP<sub>ND</sub>"),
    (re.compile(r"\bk2(?:&#39;|′)"), "k<sub>2</sub>′"),
    (re.compile(r"\bR1\b"), "R<sub>1</sub>"),
    (re.compile(r"\bK1\b"), "K<sub>1</sub>"),
    (re.compile(r"\bC_([TR])\b"), r"C<sub>\1</sub>"),
    (re.compile(r"\[(11C|18F|15O)\]"), lambda match: f"[<sup>{match[1][:2]}</sup>{match[1][2:]}]"),
)


def notation(text: str) -> Markup:
    """Escape prose and set the field's symbols: BP_ND, k2', R1, K1, C_T, [11C]."""
    html = str(escape(text))
    for pattern, replacement in _NOTATION:
        html = pattern.sub(replacement, html)
    return Markup(html)


def _decimals(rows: tuple[tuple[Cell, ...], ...], column: int) -> int | None:
    """Decimals for a column of real numbers: three digits for the largest; None when it holds no such number."""
    cells = (row[column] for row in rows)
    values = [abs(cell) for cell in cells if isinstance(cell, float) and isfinite(cell)]
    largest = max(values, default=0.0)
    if largest == 0 or not _PLAIN_LOW <= largest < _PLAIN_HIGH:
        return None
    return 0 if all(value.is_integer() for value in values) else max(0, 2 - floor(log10(largest)))


@pass_context
def _cell(context: Context, value: Cell, decimals: int | None = None) -> Markup:
    match value:
        case None:
            return Markup('<span class="none">n/a</span>')
        case Link(text, target):
            href = target if isinstance(target, str) else _relative(context, target)
            return Markup('<a href="{}">{}</a>').format(href, notation(text))
        case Badge(level, text):
            return Markup('<span class="badge {}"><span aria-hidden="true">{}</span> {}</span>').format(
                level, LEVEL_MARKS[level], notation(text)
            )
        case PValue(p):
            return escape(format_p(p))
        case Quantity(number, unit):
            return escape(format_quantity(number, unit))
        case bool():
            return Markup("yes" if value else "no")
        case int():
            return Markup(f"{value:,}".replace(",", "\u202f").replace("-", "−"))
        case float():
            return escape(format_number(value, decimals))
        case _:
            return notation(value)


def _sort_key(value: Cell) -> str:
    """What a column is sorted by: the full number, or the text."""
    match value:
        case None:
            return ""
        case Link(text, _) | Badge(_, text):
            return text
        case PValue(number) | Quantity(number, _):
            return _sort_key(number)
        case int() | float():
            return "" if isnan(value) else repr(float(value))
        case _:
            return value


def _kind(value: object) -> str:
    if isinstance(value, PValue | Quantity | int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__.lower()


@pass_context
def _relative(context: Context, path: Path) -> str:
    """Path of a file as seen from the page, as a URL."""
    return quote(os.path.relpath(path.resolve(), context["folder"]).replace(os.sep, "/"))


def _exists(path: Path) -> bool:
    return path.is_file()


@pass_context
def _anchor(context: Context, section: Section) -> str:
    anchors: dict[int, str] = context["anchors"]
    return anchors[id(section)]


def _is_interactive(page: Page) -> bool:
    blocks = [*page.summary, *(block for section, _ in _walk(page.sections) for block in section.blocks)]
    return any(isinstance(block, Viewer) for block in blocks)


@pass_context
def _neighbours_of(context: Context, section: Section) -> "_Neighbours":
    neighbours: dict[int, _Neighbours] = context["neighbours"]
    return neighbours[id(section)]


class _Neighbours(NamedTuple):
    """The folded sections before and after one, in the order of the page."""

    previous: Section | None
    following: Section | None


def _neighbours(sections: tuple[Section, ...]) -> dict[int, _Neighbours]:
    """Where to go on from each folded section, by identity."""
    folded = [section for section, _ in _walk(sections) if section.folded]
    around = [None, *folded, None]
    return {
        id(section): _Neighbours(around[place], around[place + 2]) for place, section in enumerate(folded)
    }


def _anchors(sections: tuple[Section, ...]) -> dict[int, str]:
    """A readable, unique anchor for every section and part, by identity."""
    anchors: dict[int, str] = {}
    taken: set[str] = set()
    for section, prefix in _walk(sections):
        first = slug(f"{prefix} {section.title}")
        name, count = first, 2
        while name in taken:
            name, count = f"{first}-{count}", count + 1
        taken.add(name)
        anchors[id(section)] = name
    return anchors


def slug(title: str) -> str:
    """The anchor of the first section with this title."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"


def _walk(sections: tuple[Section, ...], prefix: str = "") -> Iterator[tuple[Section, str]]:
    for section in sections:
        yield section, prefix
        yield from _walk(section.parts, section.title)
