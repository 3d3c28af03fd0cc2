"""Draw one picture of a scan from what its steps left."""

from dataclasses import dataclass
from pathlib import Path

from morbids.bids.tables import read_table
from morbids.engine.inputs import StepInputs
from morbids.imaging.transforms import invert, read_itk
from morbids.participant.kinetic_plan import KineticPlan
from morbids.participant.steps.curves import read_curves
from morbids.participant.steps.figures import Picture, move_rigidly, read_motion, spans_of, spread_curves
from morbids.participant.steps.null_range import readings_of
from morbids.reports.figures.curves import Curves
from morbids.reports.figures.overview import Overview, draw_overview
from morbids.reports.figures.style import write_figure


@dataclass(frozen=True)
class ScanResults(StepInputs):
    """What the steps of a scan left.

    Attributes
    ----------
    confounds
        None where another program moved the head and did not say how.
    ranges
        Table of `range_regions`; None for scans without a challenge.
    """

    petref: Path
    pet_to_t1w: Path
    t1w_mask: Path
    curves: Path
    reference_curve: Path
    confounds: Path | None = None
    ranges: Path | None = None


def picture_overview(scan: ScanResults, plan: KineticPlan, unit: str, out_dir: Path) -> Picture:
    """PET on the brain, head motion, curves, and what the regions read."""
    table = read_curves(scan.curves)
    reference = read_curves(scan.reference_curve).curves[:, 0]
    overview = Overview(
        pet=move_rigidly(scan.petref, invert(read_itk(scan.pet_to_t1w)[0]), out_dir / "petref.nii"),
        brain_mask=scan.t1w_mask,
        frames=plan.frames,
        spans=spans_of(plan),
        motion=None if scan.confounds is None else read_motion(scan.confounds),
        curves=Curves(table.curves, table.names, reference, plan.reference.name),
        highlighted=[table.names[region] for region in spread_curves(table.curves)],
        unit=unit,
        readings=() if scan.ranges is None else readings_of(read_table(scan.ranges)),
    )
    return Picture(write_figure(draw_overview(overview), out_dir / "overview.png"))
