"""What the result of a step depends on beside its inputs: code, data files and libraries."""

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

PACKAGE = "morbids"
# Files that are no code, and are named as text in the modules that read them.
DATA_FOLDERS = ("data", "reports/templates")
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([^\n]+)", flags=re.MULTILINE)
_FROM_IMPORT = re.compile(
    r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]+)", flags=re.MULTILINE
)
_COMMENT = re.compile(r"#[^\n]*")
_WORD = re.compile(r"[\w.]+")
_TEXT = re.compile(r"""["']([\w.+/-]+)["']""")


class Dependencies(NamedTuple):
    """What the modules behind a step are made of.

    Attributes
    ----------
    files
        Sources and data files, by what they are called in the package.
    libraries
        Names under which code of others is imported.
    """

    files: Mapping[str, Path]
    libraries: frozenset[str]


class Mentions(NamedTuple):
    """Names in a source: what it imports, and texts that may be files or modules."""

    imports: frozenset[str]
    texts: frozenset[str]


@cache
def code_digest(module: str) -> str:
    """Digest of all that a function of `module` can depend on, as it is when first asked for."""
    names = dict.fromkeys((PACKAGE, module.partition(".")[0]))
    return digest_of(find_dependencies(module, {name: _place_of(name) for name in names}))


def digest_of(dependencies: Dependencies) -> str:
    """Sixteen digits that change with any file, and with the version of any library."""
    digest = hashlib.sha256()
    for name, path in sorted(dependencies.files.items()):
        content = path.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    for library in sorted(dependencies.libraries):
        digest.update(f"{library} {_version_of(library)}\n".encode())
    return digest.hexdigest()[:16]


def find_dependencies(module: str, places: Mapping[str, Path]) -> Dependencies:
    """Follow imports from a module, wherever in the source they stand, without running any.

    A text that is the name of a module (a child process is started by it) or of a data file counts too.

    Parameters
    ----------
    module
        Full name.
    places
        Folders (or single files) of the packages that are followed; imports of others are libraries.
    """
    files: dict[str, Path] = {}
    libraries: set[str] = set()
    data = dict(_data_files(places))
    sources = {name: path for place in places.items() for name, path in _list_sources(*place).items()}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = sources.get(name)
        if path is None or name in files:
            continue
        files[name] = path
        mentions = _mentions(path.read_bytes())
        waiting += [*_parents(name), *mentions.imports]
        waiting += [text for text in mentions.texts if text.partition(".")[0] in places]
        libraries |= {text.partition(".")[0] for text in mentions.imports} - places.keys()
        files |= {text: data[text] for text in data.keys() & mentions.texts}
    return Dependencies(files, frozenset(libraries))


@lru_cache(maxsize=1024)
def _mentions(source: bytes) -> Mentions:
    """Read imports and short texts off a source, a hundred times quicker than by its syntax tree.

    What only looks like an import, in a docstring, is followed too: a file more in a key does no harm.
    """
    text = source.decode()
    imports = {name for line in _IMPORT.findall(text) for name in _WORD.findall(line)}
    for module, names in _FROM_IMPORT.findall(text):
        # What is imported may be a module itself.
        imports |= {module, *(f"{module}.{name}" for name in _WORD.findall(_COMMENT.sub("", names)))}
    return Mentions(frozenset(imports), frozenset(_TEXT.findall(text)))


def _parents(name: str) -> Iterator[str]:
    """Packages that an import of `name` runs first."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


@cache
def _list_sources(package: str, place: Path) -> Mapping[str, Path]:
    """Sources of a package, by the name of the module."""
    if place.is_file():
        return {package: place}
    found = {}
    for path in place.rglob("*.py"):
        parts = path.relative_to(place).with_suffix("").parts
        found[".".join((package, *parts[: -1 if parts[-1] == "__init__" else None]))] = path
    return found


def _data_files(places: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    for folder in DATA_FOLDERS:
        yield from ((path.name, path) for path in (places[PACKAGE] / folder).glob("*") if path.is_file())


def _place_of(package: str) -> Path:
    """Folder of a package that is imported, or the file of a module that stands alone."""
    source = Path(str(sys.modules[package].__file__))
    return source.parent if source.name == "__init__.py" else source


@cache
def _version_of(library: str) -> str:
    """Version of an installed package; empty for the standard library, and where the package has another name.

    Those of another name (PIL, bids) draw and list files: no result is computed by them.
    """
    if library in sys.stdlib_module_names:
        return ""
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
