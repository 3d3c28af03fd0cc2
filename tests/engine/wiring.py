"""Walk a whole graph and tell what is connected to nothing: nipype accepts misspelt names silently."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from nipype import Node, Workflow
from nipype.interfaces.base import isdefined

from morbids.engine.nodes import Step
from morbids.engine.progress import computes, doing
from morbids.engine.saving import Save


class Ports(NamedTuple):
    """What a node takes, what it must be given, and what it gives."""

    inputs: frozenset[str]
    required: frozenset[str]
    outputs: frozenset[str]


def find_problems(workflow: Workflow) -> list[str]:
    """One sentence per input that nothing feeds, and per connection that starts or ends at no port."""
    graph = workflow._create_flat_graph()
    problems = []
    for node in graph.nodes:
        ports = _ports(node)
        connected = {name for _, _, name in _connections(graph, node)}
        given = {name for name in ports.inputs if isdefined(getattr(node.inputs, name))}
        problems += [f"{node.fullname} is not given {name}" for name in ports.required - connected - given]
        problems += [f"{node.fullname} has no input {name}" for name in connected - ports.inputs]
        problems += [
            f"{giver.fullname} has no output {output}"
            for giver, output, _ in _connections(graph, node)
            if output not in _ports(giver).outputs
        ]
    return sorted(problems)


def steps_without_words(workflow: Workflow, words: Mapping[str, str]) -> list[str]:
    """Names of computing steps that the log could only tell by their name."""
    nodes = (workflow.get_node(name) for name in workflow.list_node_names())
    names = {node.name for node in nodes if computes(node)}
    return sorted(name for name in names if doing(name, words) == name.replace("_", " "))


def _connections(graph: Any, node: Node) -> Iterator[tuple[Node, str, str]]:
    for giver, _, data in graph.in_edges(node, data=True):
        for output, name in data["connect"]:
            yield giver, output, name


def _ports(node: Node) -> Ports:
    interface = node.interface
    if isinstance(interface, Step):
        return Ports(*map(frozenset, (interface.parameters, interface.required, interface.fields)))
    if isinstance(interface, Save):
        return Ports(frozenset(interface.required), frozenset(interface.required), frozenset())
    inputs = frozenset(interface.inputs.copyable_trait_names())
    needed = frozenset(interface.inputs.traits(mandatory=True))
    return Ports(inputs, needed, frozenset(interface.output_spec().copyable_trait_names()))
