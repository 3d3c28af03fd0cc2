"""Draw one picture of a scan from what its steps left."""

from pathlib import Path

from morbids.bids.tables import read_table
from morbids.imaging.transforms import invert, read_itk
from morbids.participant.kinetic_plan import KineticPlan
from morbids.participant.steps.curves import read_curves
from morbids.participant.steps.figures import Picture, move_rigidly, read_motion, spans_of, spread_curves
from morbids.participant.steps.null_range import readings_of
from morbids.reports.figures.curves import Curves
from morbids.reports.figures.overview import Overview, draw_overview
from morbids.reports.figures.style import write_figure


def picture_overview(
    petref: Path,
    pet_to_t1w: Path,
    t1w_mask: Path,
    curves: Path,
    reference_curve: Path,
    plan: KineticPlan,
    unit: str,
    out_dir: Path,
    confounds: Path | None = None,
    ranges: Path | None = None,
) -> Picture:
    """PET on the brain, head motion, curves, and what the regions read.

    Parameters
    ----------
    confounds
        None where another program moved the head and did not say how.
    ranges
        Table of `range_regions`; None for scans without a challenge.
    """
    table = read_curves(curves)
    reference = read_curves(reference_curve).curves[:, 0]
    overview = Overview(
        pet=move_rigidly(petref, invert(read_itk(pet_to_t1w)[0]), out_dir / "petref.nii.gz"),
        brain_mask=t1w_mask,
        frames=plan.frames,
        spans=spans_of(plan),
        motion=None if confounds is None else read_motion(confounds),
        curves=Curves(table.curves, table.names, reference, plan.reference.name),
        highlighted=[table.names[region] for region in spread_curves(table.curves)],
        unit=unit,
        readings=() if ranges is None else readings_of(read_table(ranges)),
    )
    return Picture(write_figure(draw_overview(overview), out_dir / "overview.png"))
