"""What each a-priori region of a scan can read of nothing, and how sure its own change is, all unknowns counted."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from morbids.bids.tables import write_table
from morbids.bids.windows import WindowPair, window_points
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.null_range import Range, range_at, read_unknowns
from morbids.numerics.kinetics.slow_tissue import SlowTissue, by_tissue
from morbids.participant.kinetic_plan import SettledPlan
from morbids.participant.steps.curves import read_curves
from morbids.participant.steps.kinetics import RESPONSE, estimate
from morbids.participant.steps.mixture import UNMIXED, SlowFiles, told_head
from morbids.participant.steps.protocol import Simulation
from morbids.reports.figures import protocol as protocol_figures
from morbids.reports.figures import style

# Description and unit of each column of the table. All differences are baseline minus challenge: positive is release.
RANGE_COLUMNS = {
    "name": ("A-priori region", ""),
    "contrast": ("Windows that are subtracted", ""),
    "bp_nd": ("BP_ND at baseline", "unitless"),
    "change": ("Baseline minus challenge, BP_ND, as measured", "unitless"),
    "change_percent": ("The same in percent of baseline", "%"),
    "sampling_se_percent": ("Its standard error by noise of the region's curve", "%"),
    "k2prime_se_percent": ("Its standard error by that of k2'", "%"),
    "null_low": ("Lowest difference without any release, over k2', k4 and mixed tissue; BP_ND", "unitless"),
    "null_high": ("The same: highest", "unitless"),
    "null_low_percent": ("null_low in percent of baseline", "%"),
    "null_high_percent": ("null_high in percent of baseline", "%"),
    "shown_low_percent": ("Lowest difference that a true release of 10 % shows, over the same", "%"),
    "shown_high_percent": ("The same: highest", "%"),
    "full_low_percent": ("95 % interval of the true change with noise, k2', k4 and mixture: lower end", "%"),
    "full_high_percent": ("The same: upper end", "%"),
    "white_share": (
        "Part of the region's signal that white matter gives, at the scanner's resolution",
        "unitless",
    ),
    "fluid_share": ("The same of cerebrospinal fluid", "unitless"),
}


class Ranges(NamedTuple):
    """A row per contrast and region, and a picture per contrast."""

    table: Path
    pictures: dict[str, Path]


class _Change(NamedTuple):
    """What a contrast reads, each field (n_regions,): BP_ND, and percent of it with its standard error."""

    bp_nd: FloatArray
    percent: FloatArray
    se_percent: FloatArray


def range_regions(
    curves: Path,
    reference_curve: Path,
    plan: SettledPlan,
    k2_prime_se: float | None,
    simulation: Simulation,
    out_dir: Path,
    slow_files: SlowFiles = UNMIXED,
) -> Ranges:
    """Measure every region's change, and simulate what could be read in its place.

    Parameters
    ----------
    k2_prime_se
        Per minute; None where k2' was given, which then counts as known.
    slow_files
        White matter and fluid of the scan's own regions; where they are not known, any mixture may be.
    """
    table = read_curves(curves)
    reference = read_curves(reference_curve).curves[:, 0]
    slow = slow_files.of_regions()
    taken = slow if simulation.fitted_apart else None
    rows, pictures = [], {}
    for pair in plan.pairs:
        change = _measure(table.curves, reference, plan, pair, taken)
        by_k2_prime = np.zeros(len(table.names))
        if k2_prime_se and plan.fits_k2_prime:
            sides = [
                _measure(table.curves, reference, replace(plan, k2_prime_per_min=value), pair, taken).percent
                for value in (plan.k2_prime_per_min - k2_prime_se, plan.k2_prime_per_min + k2_prime_se)
            ]
            by_k2_prime = np.abs(sides[1] - sides[0]) / 2
        found = _simulate(plan, pair, k2_prime_se, simulation, change.bp_nd, slow)
        lines = _tabulate(table.names, pair, change, by_k2_prime, found)
        quantile = float(special.stdtrit(max(_degrees(plan), 1), 0.975))
        lines = _add_interval(lines, quantile).assign(**_name_shares(slow, len(lines)))
        rows.append(lines)
        name = range_picture_name(pair)
        pictures[name] = style.write_figure(
            protocol_figures.draw_readings(readings_of(lines)), out_dir / f"{name}.svg"
        )
    write_table(pd.concat(rows, ignore_index=True), out_dir / "ranges.tsv")
    return Ranges(out_dir / "ranges.tsv", pictures)


def range_picture_name(pair: WindowPair) -> str:
    """Value of `desc-` of the picture of one contrast."""
    return f"unknowns{pair.challenge.name}"


def _degrees(plan: SettledPlan) -> int:
    """Degrees of freedom of a region's fit: points over k2, k2a and the change, or of the shorter window's line."""
    if MODELS[plan.model].needs_onset:
        return int(window_points(plan.frames, plan.first_fitted).sum()) - 3
    return min(int(window_points(plan.frames, window).sum()) for window in plan.windows) - 2


def _name_shares(slow: SlowTissue | None, n_regions: int) -> dict[str, FloatArray]:
    """Columns of the parts of white matter and fluid; NaN where they are not known."""
    share = np.full((n_regions, 2), np.nan) if slow is None else by_tissue(slow.share)
    return dict(zip(("white_share", "fluid_share"), share.T, strict=True))


def _measure(
    curves: FloatArray, reference: FloatArray, plan: SettledPlan, pair: WindowPair, slow: SlowTissue | None
) -> _Change:
    found = estimate(curves, reference, plan, slow=slow)
    before, after = (found[window.name] for window in pair)
    bp_nd = before.parameters["BPND"]
    percent = 100 * (1 - after.parameters["BPND"] / bp_nd)
    if RESPONSE in found:
        return _Change(bp_nd, percent, found[RESPONSE].standard_errors["BPNDchange"])
    # Two fits of the same curve share little noise: what both windows' integrals hold is their common past.
    both = np.hypot(
        after.standard_errors["BPND"], before.standard_errors["BPND"] * after.parameters["BPND"] / bp_nd
    )
    return _Change(bp_nd, percent, 100 * both / np.abs(bp_nd))


def _simulate(
    plan: SettledPlan,
    pair: WindowPair,
    k2_prime_se: float | None,
    simulation: Simulation,
    bp_nd: FloatArray,
    slow: SlowTissue | None,
) -> Range:
    published = None
    if plan.published_k2_prime is not None and k2_prime_se is not None:
        value, spread = plan.published_k2_prime
        published = (value, min((k2_prime_se / spread) ** 2, 1.0))
    readings = read_unknowns(
        plan.frames,
        plan.contrast(pair),
        schedule=simulation.schedule,
        published=published,
        estimates_k2_prime=k2_prime_se is not None and plan.fits_k2_prime,
        told=told_head(slow) if slow is not None else None,
        accounted=simulation.fitted_apart,
    )
    return range_at(readings, bp_nd)


def _tabulate(
    names: tuple[str, ...], pair: WindowPair, change: _Change, by_k2_prime: FloatArray, found: Range
) -> pd.DataFrame:
    percent = 100 / change.bp_nd
    return pd.DataFrame(
        {
            "name": names,
            "contrast": f"{pair.baseline.name} minus {pair.challenge.name}",
            "bp_nd": change.bp_nd,
            "change": change.percent / percent,
            "change_percent": change.percent,
            "sampling_se_percent": change.se_percent,
            "k2prime_se_percent": by_k2_prime,
            "null_low": found.null_low,
            "null_high": found.null_high,
            "null_low_percent": found.null_low * percent,
            "null_high_percent": found.null_high * percent,
            "shown_low_percent": found.shown_low * percent,
            "shown_high_percent": found.shown_high * percent,
        }
    )


def _add_interval(lines: pd.DataFrame, quantile: float) -> pd.DataFrame:
    """Intervals of the change less the middle of its null range: noise and k2' as errors, the range as a bound."""
    low, high = lines["null_low_percent"], lines["null_high_percent"]
    middle = lines["change_percent"] - (low + high) / 2
    noise = quantile * np.hypot(lines["sampling_se_percent"], lines["k2prime_se_percent"])
    # The truth may be at an end of the range, where noise still has both sides.
    half = noise + (high - low) / 2
    return lines.assign(full_low_percent=middle - half, full_high_percent=middle + half)


def readings_of(lines: pd.DataFrame) -> list["protocol_figures.Reading"]:
    """What the regions of the first contrast of a table of ranges read."""
    lines = lines[lines["contrast"] == lines["contrast"].iloc[0]]
    columns = ["null_low_percent", "null_high_percent", "change_percent", "sampling_se_percent"]
    values = lines[columns].to_numpy(dtype=float).tolist()
    return [
        protocol_figures.Reading(str(name), *row) for name, row in zip(lines["name"], values, strict=True)
    ]
