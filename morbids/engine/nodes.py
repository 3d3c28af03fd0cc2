"""A typed function as a nipype node: parameters are inputs, the fields of its NamedTuple are outputs.

nipype's own `Function` runs a copy of the source text in an empty namespace; this interface calls the
function itself, so imports, helpers and annotations work, and a misspelt constant fails at build time.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import stat
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from nipype import Node, Workflow
from nipype.interfaces.base import BaseInterface, DynamicTraitedSpec, traits
from nipype.pipeline.engine.utils import load_resultfile

from morbids.engine.failures import Trouble, describe_error
from morbids.engine.inputs import WORKING_DIRECTORY, inputs_of
from morbids.engine.sources import code_digest
from morbids.errors import ExitCode, MorbidsError

# An input that the function never sees: with its code, the key of what it has computed changes.
CODE = "code_digest"


class StepValues(DynamicTraitedSpec):
    """Inputs or outputs that stay what they are, and whose key holds all of them.

    nipype makes plain tuples of NamedTuples when it copies or stores them. It hashes the printed text of what it does
    not know: of an array that is eight digits, and of more than a thousand numbers the first and last three. And it
    asks the file system up to four times whether a text is a file, and whether a number is: a third of all that a scan
    asked of it.
    """

    def _clean_container(self, value: Any, *args: Any, **options: Any) -> Any:
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return value
        return super()._clean_container(value, *args, **options)

    def _get_sorteddict(self, value: Any, dictwithhash: bool = False, **options: Any) -> Any:
        if isinstance(whole := _in_full(value), str):
            stamp = _stamp(whole)
            return (whole, stamp) if stamp and dictwithhash else stamp or whole
        return super()._get_sorteddict(whole, dictwithhash, **options)


def _in_full(value: Any) -> Any:
    """A value as text or as parts, so that no two values look the same."""
    if isinstance(value, np.ndarray):
        content = np.ascontiguousarray(value)
        digest = hashlib.sha256(
            content.tobytes() if content.dtype != object else repr(value.tolist()).encode()
        )
        return f"array {value.dtype} {value.shape} {digest.hexdigest()}"
    if isinstance(value, pd.DataFrame | pd.Series):
        return _in_full(value.reset_index().to_dict("list"))
    if isinstance(
        value, Path
    ):  # inside records, where nothing made it text: the key holds what the file says
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return repr(value) if isinstance(value, float) else value


def _stamp(text: str) -> str:
    """Size and time of the file that a text is the path of, in some folder; empty where it is of none."""
    if os.sep not in text:
        return ""
    try:
        found = os.stat(text)
    except (OSError, ValueError):  # too long, or what no name may hold
        return ""
    return f"{found.st_size} bytes of {found.st_mtime_ns}" if stat.S_ISREG(found.st_mode) else ""


class Step(BaseInterface):
    """Call one module-level function as a nipype interface.

    Parameters
    ----------
    function
        Annotated parameters, those that are `StepInputs` field by field; returns a NamedTuple whose fields become the
        outputs. A parameter `out_dir` receives the node's own working directory.
    constants
        Inputs that are known when the graph is built.

    Attributes
    ----------
    trouble
        Why the function failed, once it has.
    """

    input_spec = StepValues
    output_spec = StepValues

    def __init__(self, function: Callable[..., Any], constants: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.function = function
        self._takes = inputs_of(function)
        self._results: dict[str, Any] = {}
        self._resources: dict[str, Any] = {}
        self.trouble: Trouble | None = None
        self.parameters, self.required = tuple(self._takes.hints), self._takes.required
        self.fields = self._takes.outputs
        for name in self.parameters:
            self.inputs.add_trait(name, traits.Any())
        self.inputs.trait_set(trait_change_notify=False, **dict.fromkeys(self.parameters, traits.Undefined))
        self.inputs.add_trait(CODE, traits.Str(code_digest(function.__module__)))
        for name, value in (constants or {}).items():
            if name in self._takes.resources:
                self._resources[name] = value
                continue
            if name not in self.parameters:
                raise MorbidsError(
                    f"{function.__module__}.{function.__name__} has no parameter {name!r}.",
                    f"It has: {', '.join(self.parameters)}.",
                    ExitCode.FAILED,
                )
            setattr(self.inputs, name, _storable(value))

    def call(self, folder: Path) -> Any:
        """Call the function with the inputs as they are now; what it writes goes to `folder`."""
        given = {
            name: _as_annotated(value, hint)
            for name, hint in self._takes.hints.items()
            if (value := getattr(self.inputs, name)) is not traits.Undefined
        }
        arguments = self._takes.gather(given)
        if self._takes.in_directory:
            arguments[WORKING_DIRECTORY] = folder
        return self.function(**arguments, **self._resources)

    def _run_interface(self, runtime: Any) -> Any:
        folder = Path(runtime.cwd)
        try:
            results = self.call(folder)
        except Exception as error:  # nipype keeps its text only
            self.trouble = describe_error(error, folder)
            raise
        self._results = {name: _storable(getattr(results, name)) for name in self.fields}
        return runtime

    def _outputs(self) -> Any:
        outputs = super()._outputs()
        for name in self.fields:
            outputs.add_trait(name, traits.Any())
        outputs.trait_set(trait_change_notify=False, **dict.fromkeys(self.fields, traits.Undefined))
        return outputs

    def _list_outputs(self) -> dict[str, Any]:
        return self._results


class StepNode(Node):
    """A node that does not take a folder for finished whose results cannot be had."""

    def _check_outputs(self, parameter: str) -> bool:
        """Whether there is such an output: nipype builds all of them to find out, at every connection."""
        return isinstance(self.interface, Step) and parameter in self.interface.fields

    def is_cached(self, rm_outdated: bool = False) -> tuple[bool, bool]:
        """Tell whether there are results, and whether they are those of these inputs and this code."""
        try:
            cached, current = super().is_cached(rm_outdated=rm_outdated)
        except Exception:  # an input cannot be read: that will be told when the step runs
            return False, False
        if cached and current and not _has_results(Path(self.output_dir()), self.name):
            for finished in Path(self.output_dir()).glob("_0x*.json"):
                finished.unlink()
            return False, False
        return cached, current


def _has_results(folder: Path, name: str) -> bool:
    """Whether the result file can be read, and the files are there that it names."""
    try:
        outputs = load_resultfile(folder / f"result_{name}.pklz").outputs.trait_get()
    except Exception:  # whatever half a pickle, or one of other classes, raises
        return False
    return all(Path(path).exists() for path in _texts(outputs) if path.startswith(f"{folder}{os.sep}"))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep other runs of the program from working on the same step.

    Simultaneous runs may share a work directory, and templates and atlases in it. nipype empties the folder of a
    step that is not finished, also while another process fills it; here the second waits, and finds it done.
    """
    path = Path(f"{folder}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        # The system frees the lock when a process ends, however it ends.
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_node(
    function: Callable[..., Any],
    name: str,
    constants: Mapping[str, Any] | None = None,
    *,
    mem_gb: float = 0.5,
    n_procs: int = 1,
) -> Node:
    """Wrap `function` in a node that declares its memory (GB) and processors to the scheduler.

    Memory is the peak at full size (T1w of 1 mm, 128 x 128 x 63 x 21 PET), rounded up, that
    `python -m benchmarks scan` measures in the step's worker, libraries (0.3 GB) included.
    """
    return StepNode(Step(function, constants), name=name, mem_gb=mem_gb, n_procs=n_procs)


def connect_across(
    whole: Workflow,
    giver: Workflow | Node,
    workflow: Workflow,
    node: Node,
    pairs: Sequence[tuple[str, str]],
) -> None:
    """Connect outputs of `giver` to inputs of a node inside another workflow, both inside `whole`."""
    if workflow.get_node(node.name) is None:
        workflow.add_nodes([node])
    whole.connect([(giver, workflow, [(output, f"{node.name}.{name}") for output, name in pairs])])


def _storable(value: Any) -> Any:
    """Paths as text: nipype deletes the files of outputs that are `pathlib.Path`."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value
    if isinstance(value, (list, tuple)):
        return type(value)(_storable(item) for item in value)
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    return value


def _as_annotated(value: Any, hint: Any) -> Any:
    """Text back to `Path` where the function's annotation says so, also inside sequences and mappings."""
    if not _mentions_path(hint):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(Path(item) for item in value)
    if isinstance(value, dict):
        return {key: Path(item) for key, item in value.items()}
    return None if value is None else Path(value)


def _mentions_path(hint: Any) -> bool:
    return hint is Path or any(_mentions_path(part) for part in typing.get_args(hint))
