"""The one way out: results leave the work directory through `Save`, each with its sidecar."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nipype import Node
from nipype.interfaces.base import BaseInterface, DynamicTraitedSpec, traits

from morbids.bids.names import output_path
from morbids.errors import ExitCode, MorbidsError


class Output(NamedTuple):
    """Where one result goes and what its JSON says; no sidecar where it is empty."""

    role: str
    entities: Mapping[str, str] = {}
    sidecar: Mapping[str, Any] = {}


class Save(BaseInterface):
    """Copy results to their derivative names.

    Each output is one input of the same name: a path, or a mapping of output names to paths. `details` is
    what became known while running; it joins every sidecar. A file is written only where it differs from
    what is there, in one atomic step: a deleted derivative comes back, and simultaneous jobs see no halves.
    """

    input_spec = DynamicTraitedSpec
    output_spec = DynamicTraitedSpec
    _always_run = True

    def __init__(
        self, root: Path, source: Mapping[str, str], outputs: Mapping[str, Output], fields: Sequence[str]
    ) -> None:
        super().__init__()
        self.root, self.source, self.destinations = str(root), dict(source), dict(outputs)
        self.fields = tuple(fields)
        for name in (*self.fields, "details"):
            self.inputs.add_trait(name, traits.Any())
        self.inputs.trait_set(trait_change_notify=False, **dict.fromkeys(self.fields, traits.Undefined))
        self.inputs.trait_set(trait_change_notify=False, details=traits.Undefined)

    def _run_interface(self, runtime: Any) -> Any:
        details = self.inputs.details if self.inputs.details is not traits.Undefined else {}
        for field in self.fields:
            value = getattr(self.inputs, field)
            for name, path in (value if isinstance(value, dict) else {field: value}).items():
                self._save(self.destinations[name], Path(path), details)
        return runtime

    def _save(self, output: Output, path: Path, details: Mapping[str, Any]) -> None:
        destination = output_path(Path(self.root), self.source, output.role, output.entities)
        copy_if_different(path, destination)
        if output.sidecar:
            stem = destination.name.split(".")[0]
            write_if_different(
                json.dumps({**output.sidecar, **details}, indent=2) + "\n",
                destination.with_name(f"{stem}.json"),
            )


def make_save_node(
    name: str,
    root: Path,
    source: Mapping[str, str],
    outputs: Mapping[str, Output],
    fields: Sequence[str] | None = None,
) -> Node:
    """Build a node that saves `outputs`; `fields` names its inputs where they are not the outputs."""
    interface = Save(root, source, outputs, tuple(outputs) if fields is None else fields)
    return Node(interface, name=name, mem_gb=0.1, run_without_submitting=True)


def copy_if_different(source: Path, destination: Path) -> None:
    """Copy a file with its modification time, unless size and time already agree."""
    wanted = source.stat()
    if destination.exists():
        there = destination.stat()
        if (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
            return
    _replace(destination, lambda partial: shutil.copy2(source, partial))


def write_if_different(text: str, destination: Path) -> None:
    """Write text, unless the file already says the same."""
    if destination.exists() and destination.read_text() == text:
        return
    _replace(destination, lambda partial: Path(partial).write_text(text))


def _replace(destination: Path, write: Callable[[str], object]) -> None:
    """Write beside the destination, then rename: readers see the old file or the new one, never a part."""
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=destination.parent, prefix=".", suffix=".partial")
        os.close(handle)
        try:
            write(partial)
            Path(partial).chmod(0o644)
            os.replace(partial, destination)
        finally:
            Path(partial).unlink(missing_ok=True)
    except OSError as error:
        raise MorbidsError(
            f"{destination} cannot be written: {error.strerror}.",
            "Check permissions and free space of the output directory.",
            ExitCode.CANNOT_WRITE,
        ) from error
