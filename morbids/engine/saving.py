"""The one way out: results leave the work directory through `Save`, each with its sidecar."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from nipype import Node
from nipype.interfaces.base import BaseInterface, DynamicTraitedSpec, traits

from morbids.bids.names import FULL_ONLY, output_path, sidecar_path
from morbids.bids.writing import replace_file, write_json
from morbids.engine.failures import Trouble, describe_error
from morbids.engine.nodes import StepNode, StepValues, hold_folder
from morbids.settings import Outputs

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Output(NamedTuple):
    """Where one result goes and what its JSON says; no sidecar where it is empty, nothing where it is not kept."""

    role: str
    entities: Mapping[str, str] = NOTHING
    sidecar: Mapping[str, Any] = NOTHING
    kept: bool = True


class Save(BaseInterface):
    """Copy results to their derivative names.

    A file is written only where it differs from what is there, in one atomic step: a deleted derivative comes
    back, and simultaneous jobs see no halves.

    Parameters
    ----------
    root, source
        The derivative dataset, and the entities of the scan or T1w image that the results are made of.
    outputs
        Results by name. Each name is an input that takes a path, unless `fields` says otherwise.
    fields
        Inputs that take a mapping of output names to paths.
    facts
        Inputs whose values become known while running and join every sidecar, and their names there.
    """

    input_spec = StepValues
    output_spec = DynamicTraitedSpec
    _always_run = True

    def __init__(
        self,
        root: Path,
        source: Mapping[str, str],
        outputs: Mapping[str, Output],
        fields: Sequence[str] = (),
        facts: Mapping[str, str] = NOTHING,
    ) -> None:
        super().__init__()
        self.root, self.source = str(root), dict(source)
        self.destinations = {
            name: output._replace(entities=dict(output.entities), sidecar=dict(output.sidecar))
            for name, output in outputs.items()
        }
        self.fields, self.facts = tuple(fields or outputs), dict(facts)
        self.trouble: Trouble | None = None
        self.required = (*self.fields, *self.facts)
        for name in self.required:
            self.inputs.add_trait(name, traits.Any())
        self.inputs.trait_set(trait_change_notify=False, **dict.fromkeys(self.required, traits.Undefined))

    def _run_interface(self, runtime: Any) -> Any:
        try:
            self._save_all()
        except Exception as error:  # nipype keeps its text only
            self.trouble = describe_error(error, Path(self.root))
            raise
        return runtime

    def _save_all(self) -> None:
        facts = {key: getattr(self.inputs, name) for name, key in self.facts.items()}
        for field in self.fields:
            value = getattr(self.inputs, field)
            for name, path in (value if isinstance(value, dict) else {field: value}).items():
                self._save(self.destinations[name], Path(path), facts)

    def _list_outputs(self) -> dict[str, Any]:
        return {}

    def _save(self, output: Output, path: Path, facts: Mapping[str, Any]) -> None:
        if not output.kept:
            return
        destination = output_path(Path(self.root), self.source, output.role, output.entities)
        copy_if_different(path, destination)
        if output.sidecar or facts:
            sidecar = {**output.sidecar, **facts}
            write_json(sidecar_path(destination), sidecar)


class SaveNode(StepNode):
    """A saver, alone in its folder: it always runs, in the scheduler's process, which no worker's lock covers."""

    def run(self, updatehash: bool = False) -> Any:
        """Run when no other run of the program runs the same saver."""
        with hold_folder(Path(self.output_dir())):
            return super().run(updatehash=updatehash)


def make_save_node(
    name: str,
    root: Path,
    source: Mapping[str, str],
    outputs: Mapping[str, Output],
    fields: Sequence[str] = (),
    facts: Mapping[str, str] = NOTHING,
) -> Node:
    """Build a node that saves `outputs`; see `Save`."""
    interface = Save(root, source, outputs, fields, facts)
    return SaveNode(interface, name=name, mem_gb=0.1, run_without_submitting=True)


def keep(outputs: Mapping[str, Output], wanted: Outputs) -> dict[str, Output]:
    """The same outputs, those that are not wanted marked as not to be kept."""
    return {
        name: output._replace(kept=wanted == "full" or output.role not in FULL_ONLY)
        for name, output in outputs.items()
    }


def copy_if_different(source: Path, destination: Path) -> None:
    """Copy a file with its modification time, unless size and time already agree."""
    wanted = source.stat()
    if destination.exists():
        there = destination.stat()
        if (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
            return
    replace_file(destination, lambda partial: shutil.copy2(source, partial))
