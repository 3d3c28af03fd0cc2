"""What a scan's protocol can see: each contrast of its windows, read on simulated curves."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import write_table
from morbids.bids.windows import WindowPair
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.protocol import Calibration, calibrate_contrast
from morbids.numerics.tracer import Schedule
from morbids.participant.kinetic_plan import SettledPlan
from morbids.reports.figures import protocol as protocol_figures
from morbids.reports.figures import style

# Distances from "nothing wrong" at which the colours end: percent of BP_ND, and percent recovered.
NULL_REACH, RECOVERY_REACH = 15.0, 50.0

# Description and unit of each column of the table.
CALIBRATION_COLUMNS = {
    "contrast": ("Windows that are subtracted", ""),
    "bp_nd": ("True BP_ND before the challenge", "unitless"),
    "r1": ("True ratio of delivery to the reference region", "unitless"),
    "k4": ("True dissociation rate", "1/min"),
    "shape": ("Time course of the release", ""),
    "tissue": (
        "Grey matter alone, or mixed with white matter and fluid, which the reference region is too",
        "",
    ),
    "null_percent": ("Baseline minus challenge without any change, in percent of baseline", "%"),
    "recovered": ("Share of the true change that the contrast shows beyond that", "unitless"),
}


class Calibrated(NamedTuple):
    """A row per contrast and truth, and a picture per contrast, by the name of its challenge."""

    table: Path
    pictures: dict[str, Path]


class Simulation(NamedTuple):
    """How scans are simulated: as this one was injected, and with white matter and fluid fitted apart or not."""

    schedule: Schedule
    fitted_apart: bool


def calibrate(plan: SettledPlan, simulation: Simulation, out_dir: Path) -> Calibrated:
    """Read every contrast of the plan on simulated null and displaced curves with the scan's own frames."""
    tables, pictures = [], {}
    for pair in plan.pairs:
        calibration = calibrate_contrast(
            plan.frames,
            plan.contrast(pair),
            schedule=simulation.schedule,
            true_k2_prime=plan.k2_prime_per_min,
            accounted=simulation.fitted_apart,
        )
        table = pd.DataFrame(calibration._asdict())
        table.insert(0, "contrast", f"{pair.baseline.name} minus {pair.challenge.name}")
        tables.append(table)
        name = picture_name(pair)
        pictures[name] = style.write_figure(
            protocol_figures.draw_protocol(_grids(calibration)), out_dir / f"{name}.svg"
        )
    write_table(pd.concat(tables, ignore_index=True), out_dir / "calibration.tsv")
    return Calibrated(out_dir / "calibration.tsv", pictures)


def picture_name(pair: WindowPair) -> str:
    """Value of `desc-` of the picture of one contrast."""
    return f"protocol{pair.challenge.name}"


def _grids(calibration: Calibration) -> list["protocol_figures.Grid"]:
    """Medians over delivery, by dissociation, mixture and binding; the table holds the other shapes of release too."""
    step, tissues = np.array(calibration.shape) == "step", np.array(calibration.tissue)
    bindings = np.unique(calibration.bp_nd)
    rows = [
        (rate, tissue) for tissue in dict.fromkeys(calibration.tissue) for rate in np.unique(calibration.k4)
    ]

    def median(values: FloatArray, rate: float, tissue: str, binding: float) -> float:
        chosen = step & (calibration.k4 == rate) & (tissues == tissue) & (calibration.bp_nd == binding)
        return float(np.nanmedian(values[chosen]))

    def grid(title: str, values: FloatArray, right: float, reach: float) -> "protocol_figures.Grid":
        return protocol_figures.Grid(
            title,
            np.array([[median(values, *row, binding) for binding in bindings] for row in rows]),
            rows=[f"{rate:g} {tissue}" for rate, tissue in rows],
            columns=[f"{binding:g}" for binding in bindings],
            row_label="true $k_4$ (1/min), tissue",
            column_label="true $BP_{ND}$",
            right=right,
            reach=reach,
        )

    return [
        grid("Change seen when nothing changed (%)", calibration.null_percent, 0.0, NULL_REACH),
        grid(
            "Share of a true step change that is seen (%)", 100 * calibration.recovered, 100.0, RECOVERY_REACH
        ),
    ]
