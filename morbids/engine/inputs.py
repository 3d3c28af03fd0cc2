"""What a step takes: the parameters of a typed function, records of inputs field by field."""

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from morbids.errors import ExitCode, MorbidsError

# The node supplies this parameter itself; those of RESOURCES cannot change a result, so they are kept off
# nipype's inputs: whatever is an input is part of the cache key.
WORKING_DIRECTORY = "out_dir"
RESOURCES = ("threads",)


class StepInputs:
    """A frozen dataclass of this kind is inputs that belong together and come from several steps.

    Each field is an input of the step under its own name, so that it is connected like any other.
    """


@dataclass(frozen=True)
class Inputs:
    """Inputs of a function.

    Attributes
    ----------
    hints, required
        Types by name, and the names of those without a default.
    records
        Parameters that take several inputs, with their kind.
    outputs
        Fields of what the function returns.
    resources, in_directory
        Parameters that are no inputs: what a node computes with, and whether it is told its own folder.
    """

    hints: Mapping[str, Any]
    required: tuple[str, ...]
    records: Mapping[str, type[StepInputs]]
    outputs: tuple[str, ...]
    resources: tuple[str, ...]
    in_directory: bool

    def gather(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of the function, made of its inputs."""
        arguments = dict(given)
        for parameter, kind in self.records.items():
            own = {name: arguments.pop(name) for name in _fields_of(kind) if name in arguments}
            if own:
                arguments[parameter] = kind(**own)
        return arguments


@cache
def inputs_of(function: Callable[..., Any]) -> Inputs:
    """Tell what a function takes and returns; every scan has a node of it.

    Raises
    ------
    MorbidsError
        Two of its inputs have one name.
    """
    hints, parameters = typing.get_type_hints(function), inspect.signature(function).parameters
    found: dict[str, Any] = {}
    required: list[str] = []
    records: dict[str, type[StepInputs]] = {}
    for name, parameter in parameters.items():
        if name in (WORKING_DIRECTORY, *RESOURCES):
            continue
        needed = parameter.default is inspect.Parameter.empty
        if _is_record(hints[name]):
            records[name] = hints[name]
            own, without_default = _fields_of(hints[name]), _required_of(hints[name])
        else:
            own, without_default = {name: hints[name]}, (name,)
        for twice in found.keys() & own.keys():
            raise MorbidsError(
                f"{function.__module__}.{function.__name__} has two inputs {twice!r}.",
                "Rename a parameter, or a field of its records.",
                ExitCode.FAILED,
            )
        found |= own
        required += without_default if needed else ()
    return Inputs(
        found,
        tuple(required),
        records,
        hints["return"]._fields,
        tuple(name for name in RESOURCES if name in parameters),
        WORKING_DIRECTORY in parameters,
    )


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, StepInputs)


def _fields_of(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _required_of(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING)
