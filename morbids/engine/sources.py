"""What the result of a step depends on beside its inputs: code, data files and libraries."""

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

PACKAGE = "morbids"
# Files that are no code, and are named as text in the modules that read them.
DATA_FOLDERS = ("data", "reports/templates")


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
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file_of(name, places)
        if path is None or name in files:
            continue
        files[name] = path
        mentions = _mentions(path.read_bytes())
        waiting += [*_parents(name), *mentions.imports]
        waiting += [text for text in mentions.texts if text.partition(".")[0] in places]
        libraries |= {text.partition(".")[0] for text in mentions.imports} - places.keys()
        files |= {text: data for text, data in _data_files(places) if text in mentions.texts}
    return Dependencies(files, frozenset(libraries))


@lru_cache(maxsize=1024)
def _mentions(source: bytes) -> Mentions:
    imports: set[str] = set()
    texts: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported may be a module itself.
            imports |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
    return Mentions(frozenset(imports), frozenset(texts))


def _parents(name: str) -> Iterator[str]:
    """Packages that an import of `name` runs first."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _file_of(name: str, places: Mapping[str, Path]) -> Path | None:
    """Source of a module; None where it is another's, or no module."""
    top, *rest = name.split(".")
    if top not in places:
        return None
    place = places[top]
    if place.is_file():
        return None if rest else place
    path = place.joinpath(*rest)
    for source in (path / "__init__.py", path.with_suffix(".py")):
        if source.is_file():
            return source
    return None


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
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
