"""Instructions of a BIDS Stats Model's transformations: which transformers there are, and the fields each takes."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from morbids.bids.transformers import Factor, Instruction, Product, Rename, Scale, level_name
from morbids.errors import MorbidsError


def read_instruction(step: object, where: str) -> Instruction:
    """Read one instruction; `where` is its place in the file.

    Raises
    ------
    MorbidsError
        The transformer is unknown, or its fields are not what it takes.
    """
    name = str(step.get("Name", "")) if isinstance(step, Mapping) else ""
    if not isinstance(step, Mapping) or name not in _TRANSFORMERS:
        raise MorbidsError(
            f"{where}: the transformer '{name}' is not supported.",
            f"Use {', '.join(_TRANSFORMERS)}, or compute the variable in participants.tsv or phenotype/.",
        )
    transformer = _TRANSFORMERS[name]
    for key in step:
        if key not in ("Name", "Description", *transformer.keys):
            raise MorbidsError(
                f"{where}: {name} has the unknown key '{key}'.", f"Keys are {', '.join(transformer.keys)}."
            )
    return transformer.read(step, _names(step.get("Input"), f"{where}.Input"), where)


def _read_factor(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Factor:
    constraint = step.get("Constraint", "none")
    if constraint not in ("none", "drop_one", "mean_zero"):
        raise MorbidsError(f"{where}.Constraint is {constraint!r}.", "It is none, drop_one or mean_zero.")
    reference = step.get("RefLevel")
    if reference is not None and constraint == "none":
        raise MorbidsError(
            f"{where}.RefLevel has no use without a constraint.", "Add Constraint drop_one or mean_zero."
        )
    separator = str(step.get("Sep", "."))
    return Factor(inputs, constraint, None if reference is None else level_name(reference), separator)


def _read_scale(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Scale:
    flags = {key: step.get(key, True) for key in ("Demean", "Rescale")}
    if not all(isinstance(flag, bool) for flag in flags.values()) or not any(flags.values()):
        raise MorbidsError(
            f"{where}: Demean is {flags['Demean']!r} and Rescale is {flags['Rescale']!r}.",
            "Each is true or false, and one of them must be true.",
        )
    if step.get("ReplaceMissing", "off") not in ("off", None):
        raise MorbidsError(
            f"{where}.ReplaceMissing is {step['ReplaceMissing']!r}, which makes up values.",
            "Leave it out: rows with missing values are left out and listed.",
        )
    return Scale(inputs, _outputs(step, inputs, where), flags["Demean"], flags["Rescale"])


def _read_demean(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Scale:
    return Scale(inputs, _outputs(step, inputs, where), demean=True, rescale=False)


def _read_product(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Product:
    outputs = _names(step.get("Output"), f"{where}.Output")
    if len(inputs) < 2 or len(outputs) != 1:
        raise MorbidsError(
            f"{where}: Product has {len(inputs)} inputs and {len(outputs)} outputs.",
            "It takes two or more variables and makes one.",
        )
    return Product(inputs, outputs[0])


def _read_rename(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> Rename:
    if "Output" not in step:
        raise MorbidsError(f"{where}: Rename has no Output.", "Give one new name for each variable.")
    return Rename(inputs, _outputs(step, inputs, where))


def _outputs(step: Mapping[str, Any], inputs: tuple[str, ...], where: str) -> tuple[str, ...]:
    """New names, as many as inputs; the inputs' own where none are given."""
    if step.get("Output") is None:
        return inputs
    outputs = _names(step["Output"], f"{where}.Output")
    if len(outputs) != len(inputs):
        raise MorbidsError(
            f"{where} has {len(inputs)} inputs and {len(outputs)} outputs.",
            "Give one new name for each variable.",
        )
    return outputs


def _names(value: object, where: str) -> tuple[str, ...]:
    """One name or a list of names."""
    names: Sequence[object] = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if not names or not all(isinstance(name, str) and name for name in names):
        raise MorbidsError(f"{where} is {value!r}.", "It must be a list of names of variables.")
    return tuple(str(name) for name in names)


class _Transformer(NamedTuple):
    keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any], tuple[str, ...], str], Instruction]


_TRANSFORMERS: Mapping[str, _Transformer] = MappingProxyType(
    {
        "Factor": _Transformer(("Input", "Constraint", "RefLevel", "Sep"), _read_factor),
        "Scale": _Transformer(("Input", "Demean", "Rescale", "ReplaceMissing", "Output"), _read_scale),
        "Demean": _Transformer(("Input", "Output"), _read_demean),
        "Product": _Transformer(("Input", "Output"), _read_product),
        "Rename": _Transformer(("Input", "Output"), _read_rename),
    }
)
