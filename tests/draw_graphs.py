"""Draw the graphs of one scan and of one contrast into docs/architecture.md: `python -m tests.draw_graphs`.

They are those that the program builds for a study of images of a few voxels, so the page cannot tell another wiring
than the code has; `tests/test_architecture.py` compares them.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from nipype import Node, Workflow

from morbids.engine.progress import computes, doing
from morbids.group.plan import plan_group
from morbids.group.run import build_group_workflow
from morbids.group.words import WORDS as GROUP_WORDS
from morbids.participant.collection import plan_study
from morbids.participant.run import build_participant_workflow
from morbids.participant.words import WORDS as SCAN_WORDS
from morbids.settings import GroupSettings, ScanSettings
from tests.bids.conftest import DatasetMaker
from tests.bids.test_maps import write_study
from tests.participant.studies import make_resources, make_study, write_scan

PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
# Equal pieces of one test: one stands for all.
_PIECE = re.compile(r"_\d+_of_\d+$")


def draw(workflow: Workflow, words: Mapping[str, str]) -> str:
    """A graph in Mermaid's language: a box a step that computes, an arrow where it takes another's results."""
    graph = workflow._create_flat_graph()
    boxes, arrows = set(), set()
    for node in filter(computes, graph.nodes):
        boxes.add((_name(node), doing(_name(node), words)))
        arrows |= {(_name(giver), _name(node)) for giver in _givers(graph, node)}
    lines = [f'    {name}["{text}"]' for name, text in sorted(boxes)]
    lines += [f"    {start} --> {end}" for start, end in sorted(arrows) if start != end]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def _name(node: Node) -> str:
    return _PIECE.sub("", node.name)


def _givers(graph: object, node: Node) -> Iterator[Node]:
    """Steps whose results a step takes, also through nodes that only gather."""
    for giver in graph.predecessors(node):  # type: ignore[attr-defined]
        if computes(giver):
            yield giver
        else:
            yield from _givers(graph, giver)


def draw_all(folder: Path) -> dict[str, str]:
    """The drawing of each graph by the mark that it stands behind on the page."""
    dataset = DatasetMaker(folder / "raw")
    write_scan(dataset, "01")
    study, resources = make_study(folder), make_resources(folder / "work")
    plans = plan_study(study, ScanSettings())
    scan = build_participant_workflow(plans.scans, study, ScanSettings(), resources)
    write_study(study.output_dir, 6)
    lines = "".join(f"sub-{number:02d}\t{number * number}\n" for number in range(1, 7))
    dataset.text("participants.tsv", "participant_id\tscore\n" + lines)
    settings = GroupSettings(traits=("score",))
    plan = plan_group(study, settings)
    group = build_group_workflow(plan, study, settings, resources)
    (contrast, *_) = (group.get_node(comparison.name) for comparison in plan.comparisons if comparison.trait)
    return {"one scan": draw(scan, SCAN_WORDS), "one contrast": draw(contrast, GROUP_WORDS)}


def put(page: str, drawings: Mapping[str, str]) -> str:
    """The page with its drawings; each stands between two comments that name it."""
    for mark, drawing in drawings.items():
        start, end = f"<!-- {mark} -->\n", f"\n<!-- end of {mark} -->"
        before, _, rest = page.partition(start)
        page = before + start + drawing + end + rest.partition(end)[2]
    return page


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        PAGE.write_text(put(PAGE.read_text(), draw_all(Path(directory))))
