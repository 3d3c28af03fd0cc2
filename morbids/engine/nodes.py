"""A typed function as a nipype node: parameters are inputs, the fields of its NamedTuple are outputs.

nipype's own `Function` runs a copy of the source text in an empty namespace; this interface calls the
function itself, so imports, helpers and annotations work, and a misspelt constant fails at build time.
"""

import contextlib
import fcntl
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nipype import Node, Workflow
from nipype.interfaces.base import BaseInterface, DynamicTraitedSpec, traits

from morbids.errors import ExitCode, MorbidsError

# The node supplies this parameter itself; those of RESOURCES cannot change a result, so they are kept off
# nipype's inputs: whatever is an input is part of the cache key.
WORKING_DIRECTORY = "out_dir"
RESOURCES = ("threads",)


class Step(BaseInterface):
    """Call one module-level function as a nipype interface.

    Parameters
    ----------
    function
        Annotated parameters; returns a NamedTuple whose fields become the outputs. A parameter `out_dir`
        receives the node's own working directory.
    constants
        Inputs that are known when the graph is built.
    """

    input_spec = DynamicTraitedSpec
    output_spec = DynamicTraitedSpec

    def __init__(self, function: Callable[..., Any], constants: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.function = function
        self._hints = typing.get_type_hints(function)
        self._results: dict[str, Any] = {}
        self._resources: dict[str, Any] = {}
        signature = inspect.signature(function).parameters
        self.parameters = tuple(name for name in signature if name not in (WORKING_DIRECTORY, *RESOURCES))
        self._takes_directory = WORKING_DIRECTORY in signature
        self.required = tuple(
            name for name in self.parameters if signature[name].default is inspect.Parameter.empty
        )
        self.fields: tuple[str, ...] = self._hints["return"]._fields
        for name in self.parameters:
            self.inputs.add_trait(name, traits.Any())
        self.inputs.trait_set(trait_change_notify=False, **dict.fromkeys(self.parameters, traits.Undefined))
        for name, value in (constants or {}).items():
            if name in RESOURCES and name in signature:
                self._resources[name] = value
                continue
            if name not in self.parameters:
                raise MorbidsError(
                    f"{function.__module__}.{function.__name__} has no parameter {name!r}.",
                    f"It has: {', '.join(self.parameters)}.",
                    ExitCode.FAILED,
                )
            setattr(self.inputs, name, _storable(value))

    def _run_interface(self, runtime: Any) -> Any:
        arguments = {
            name: _as_annotated(value, self._hints[name])
            for name in self.parameters
            if (value := getattr(self.inputs, name)) is not traits.Undefined
        }
        if self._takes_directory:
            arguments[WORKING_DIRECTORY] = Path(runtime.cwd)
        results = self.function(**arguments, **self._resources)
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
    return Node(Step(function, constants), name=name, mem_gb=mem_gb, n_procs=n_procs)


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
