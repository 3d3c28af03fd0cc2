"""Citations of methods text: numbered in the order of the text, listed from one BibTeX file.

Prose cites as pandoc does, `[@Logan1996; @Innis2007]`; the keys are those of `data/references.bib`.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

MOST_AUTHORS = 3

_CITATION = re.compile(r"\[(@[^\]]+)\]")
_ENTRY = re.compile(r"@\w+\{(?P<key>\w+),\n(?P<fields>(?:  .+\n)+)\}\n")
_FIELD = re.compile(r"  (\w+) = \{(.+)\},\n")


class Reference(NamedTuple):
    """A cited work: its entry in BibTeX, how a list prints it, and its DOI (empty for none)."""

    key: str
    entry: str
    text: str
    doi: str


class Cited(NamedTuple):
    """Paragraphs with numbers in the place of citations, and the references in the order of their numbers."""

    paragraphs: tuple[str, ...]
    references: tuple[Reference, ...]


def number_citations(paragraphs: Iterable[str]) -> Cited:
    """Give every cited work the number of its first citation.

    Raises
    ------
    KeyError
        A paragraph cites what `references.bib` does not list.
    """
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        keys = [part.strip().removeprefix("@") for part in match[1].split(";")]
        return "[" + ", ".join(str(numbers.setdefault(key, len(numbers) + 1)) for key in keys) + "]"

    numbered = tuple(_CITATION.sub(number, paragraph) for paragraph in paragraphs)
    return Cited(numbered, tuple(read_references()[key] for key in numbers))


def citation(keys: Iterable[str]) -> str:
    """Cite works by their keys; empty for none."""
    marked = "; ".join(f"@{key}" for key in keys)
    return f" [{marked}]" if marked else ""


def as_bibtex(references: Iterable[Reference]) -> str:
    """Entries of the references, in the order of their keys."""
    return "\n".join(reference.entry for reference in sorted(references))


@cache
def read_references() -> MappingProxyType[str, Reference]:
    """Every work of the BibTeX file, by its key."""
    text = files("morbids").joinpath("data/references.bib").read_text(encoding="utf-8")
    return MappingProxyType({match["key"]: _read(match) for match in _ENTRY.finditer(text)})


def _read(entry: re.Match[str]) -> Reference:
    """Read one entry: a field per line."""
    fields = {name: re.sub(r"[{}]", "", value) for name, value in _FIELD.findall(entry["fields"])}
    where = f"{fields['journal']} {fields['volume']}:{fields['pages']}" if "journal" in fields else ""
    published = (where or fields["publisher"]).replace("--", "–")
    doi = fields.get("doi", "")
    text = f"{_authors(fields['author'])} ({fields['year']}). {fields['title']}. {published}."
    return Reference(entry["key"], entry[0], text, doi)


def _authors(listed: str) -> str:
    """Turn `Logan, J. and Fowler, J. S.` into `Logan J, Fowler JS`; the first few of many."""
    names = [_name(name) for name in listed.split(" and ")]
    if len(names) > MOST_AUTHORS:
        names = [*names[:MOST_AUTHORS], "et al."]
    return ", ".join(names)


def _name(name: str) -> str:
    family, _, given = name.partition(", ")
    return f"{family} {re.sub(r'[^A-Z]', '', given)}".strip()
