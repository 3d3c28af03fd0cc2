"""What a reader of the page must know before believing it: doubts about columns, designs and single maps."""

from collections.abc import Iterator, Sequence

from morbids.bids.tables import read_table
from morbids.group.outputs import GroupOutputs
from morbids.group.plan import GroupPlan
from morbids.reports.pages import Alert

# A map that alone takes this share of the voxels out of a test is told at the top of the page.
LOST_SHARE = 0.02


def report_doubts(plan: GroupPlan, outputs: Sequence[GroupOutputs]) -> tuple[Alert, ...]:
    """Every doubt as a sentence with its remedy."""
    notes = tuple(Alert("flag", note) for note in plan.notes)
    return notes + tuple(Alert("flag", sentence, remedy) for sentence, remedy in _lost_voxels(outputs))


def _lost_voxels(outputs: Sequence[GroupOutputs]) -> Iterator[tuple[str, str]]:
    """Name each map that alone takes many voxels from all others, in the contrast where it takes most."""
    worst: dict[str, tuple[float, int, int, str]] = {}
    for one in outputs:
        path, summary = one.path("influence"), one.summary
        if not path.exists() or not summary:
            continue
        for row in read_table(path).to_dict("records"):
            lost = int(row["voxels_lost"])
            share = lost / (lost + int(summary["NumberOfVoxels"]))
            found = (share, lost, lost + int(summary["NumberOfVoxels"]), one.comparison.title)
            worst[str(row["scan"])] = max(found, worst.get(str(row["scan"]), found))
    for scan, (share, lost, total, title) in worst.items():
        if share >= LOST_SHARE:
            yield (
                f"The map of {scan} alone takes {lost} of {total} voxels ({100 * share:.0f} %) out of '{title}'.",
                f"Look at it: it may be cut. --exclude {scan} tests the others everywhere; --coverage 0.9 tests what "
                "nine of ten maps know.",
            )
