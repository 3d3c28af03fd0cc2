"""Fit a scan's curves: region by region, and voxel by voxel with the same functions."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import write_table
from morbids.bids.windows import Window, window_points
from morbids.imaging.images import MaskedFrames, read_masked_frames, write_image
from morbids.imaging.smoothing import smoothing
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.efflux_choice import ChosenEfflux, choose_k2_prime
from morbids.numerics.kinetics.estimates import Estimates
from morbids.numerics.kinetics.frame_noise import FrameNoise, estimate_noise
from morbids.numerics.kinetics.intervals import with_sampling_errors
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS, fit_model
from morbids.numerics.kinetics.slow_tissue import SlowTissue, without_slow
from morbids.numerics.kinetics.t_star import find_t_star
from morbids.numerics.statistics.multiple import false_discovery_rate
from morbids.participant.kinetic_plan import TRANSPORT_MODEL, KineticPlan, SettledPlan
from morbids.participant.steps.curves import read_curves
from morbids.participant.steps.mixture import UNMIXED, SlowFiles

# Displacement models: what belongs to the time before the response, and what to the response itself.
BASELINE_PARAMETERS = ("BPND", "R1", "k2", "k2prime", "R2")
RESPONSE_PARAMETERS = ("BPNDchange", "gamma", "onset", "peak", "F", "p")
RESPONSE = "response"


class Settled(NamedTuple):
    """What the models are told once the curves are known; its two numbers once more, for sidecars.

    Attributes
    ----------
    k2_prime_se, k2_prime_of_scan, k2_prime_of_scan_se
        Standard error of k2' (per minute), and the scan's own estimate with its error; None where k2' was given, errors
        also where it is the median of regional fits.
    k2_prime_distance
        Of the estimate from what papers say, in standard errors of the difference; None where they are not combined.
    delay_s, delay_se, delay_source, parent_rule, parent_misfit
        Of the blood, where plasma drives the model: its shift with its standard error (seconds; None where it was
        given), and by which rule the parent fraction became a curve, with its root mean square distance from samples.
    notes
        What the report should say of them.
    """

    plan: SettledPlan
    second: SettledPlan
    k2_prime_per_min: float
    t_star_min: float
    k2_prime_se: float | None = None
    k2_prime_of_scan: float | None = None
    k2_prime_of_scan_se: float | None = None
    k2_prime_distance: float | None = None
    delay_s: float | None = None
    delay_se: float | None = None
    delay_source: str = ""
    parent_rule: str = ""
    parent_misfit: float | None = None
    notes: tuple[str, ...] = ()


class RegionFits(NamedTuple):
    """One table of parameters per window name."""

    kinpar: dict[str, Path]


class MapRule(NamedTuple):
    """How maps are made.

    Attributes
    ----------
    smoothing_fwhm_mm
        Of the frames before fitting; 0 for none.
    least_baseline
        Differences in percent are NaN where the baseline's estimate is lower: they would be divided by noise.
    """

    smoothing_fwhm_mm: float
    least_baseline: float


class MapFits(NamedTuple):
    """Maps by the names of `map_name` and `difference_name`, NaN where the fit failed; share of failed voxels."""

    maps: dict[str, Path]
    failed_share: float


def map_name(parameter: str, window: Window | None = None) -> str:
    """Key of a parameter's map in one window, or of the whole scan."""
    return parameter if window is None else f"{parameter}_{window.name}"


def difference_name(parameter: str, challenge: Window, *, percent: bool = False) -> str:
    """Key of the map baseline minus challenge."""
    return f"{parameter}_{'percent' if percent else 'difference'}_{challenge.name}"


def settle_plan(
    curves: Path,
    reference_curve: Path,
    plan: KineticPlan,
    slow_files: SlowFiles = UNMIXED,
) -> Settled:
    """Take k2' and t* as given, or estimate k2' from the regions, and find t* on the Logan plot.

    With blood, its delay is settled first, on the curve of the reference region, which is then a large one. Curves are
    taken without their white matter and fluid where those are known.
    """
    target, reference = read_curves(curves).curves, read_curves(reference_curve).curves[:, 0]
    target, reference = without_slow(target, reference, slow_files.of_regions())
    blood = plan.input_function(reference) if plan.blood is not None else None
    efflux = _settle_k2_prime(target, reference, plan)
    t_star_min = plan.t_star_min
    if t_star_min is None:
        found = find_t_star(
            target,
            reference if blood is None else blood.plasma,
            plan.frames,
            # Of the plot that will be fitted; other models take its line for straight with k2'.
            k2_prime=plan.in_model(efflux.value) if plan.model == "LoganRef" else efflux.value,
            blood_volume=plan.blood_volume,
            inverse_variance=plan.inverse_variance,
            end_min=plan.windows[0].end_min,
        )
        t_star_min = found.t_star_min
    settled = plan.settle(efflux.value, t_star_min, blood.delay.seconds if blood else None)
    told = (
        (*blood.delay, blood.parent.rule, blood.parent.misfit, blood.notes)
        if blood is not None
        else (None, None, "", "", None, ())
    )
    return Settled(
        settled,
        settled.second,
        efflux.value,
        t_star_min,
        efflux.se,
        efflux.of_scan,
        efflux.of_scan_se,
        efflux.distance,
        *told,
    )


def _settle_k2_prime(target: FloatArray, reference: FloatArray, plan: KineticPlan) -> ChosenEfflux:
    """k2' as given, or by the rule of `choose_k2_prime`; NaN where nothing takes it.

    Where t* is still to be found, the estimate starts with the first window.
    """
    if plan.k2_prime_per_min is not None:
        return ChosenEfflux(plan.k2_prime_per_min)
    if not plan.needs_k2_prime:
        return ChosenEfflux(np.nan)
    start_min = plan.windows[0].start_min if plan.t_star_min is None else plan.t_star_min
    challenge = plan.pairs[0].challenge if plan.pairs else None
    end_min = challenge.end_min if challenge else float(plan.frames.end_min[-1])
    return choose_k2_prime(
        target,
        reference,
        plan.frames,
        published=plan.published_k2_prime,
        onset_min=challenge.start_min if challenge else None,
        points=window_points(plan.frames, Window("", start_min, end_min)),
        inverse_variance=plan.inverse_variance,
    )


def fit_regions(
    curves: Path,
    reference_curve: Path,
    plan: SettledPlan,
    out_dir: Path,
    slow_files: SlowFiles = UNMIXED,
) -> RegionFits:
    """Fit every region in every window: a row per region, every parameter with its standard error and interval."""
    table = read_curves(curves)
    slow = slow_files.of_regions()
    reference = read_curves(reference_curve).curves[:, 0]
    kinpar = {}
    every = np.column_stack([table.curves, reference]) if plan.blood is None else table.curves
    noise = estimate_noise(every, plan.frames, plan.half_life_min)
    for name, found in estimate(table.curves, reference, plan, noise=noise, slow=slow).items():
        lacking = name in plan.missing and MODELS[plan.model].integrates_frames
        estimates = plan.missing[name].widen(found) if lacking else found
        kinpar[name] = out_dir / f"{name}.tsv"
        write_table(pd.DataFrame({"name": table.names, **estimates.columns()}), kinpar[name])
    return RegionFits(kinpar)


def fit_maps(
    pet: Path,
    mask: Path,
    reference_curve: Path,
    plan: SettledPlan,
    rule: MapRule,
    out_dir: Path,
    threads: int = 1,
    slow_files: SlowFiles = UNMIXED,
) -> MapFits:
    """Fit every voxel of the mask in every window, and take differences.

    Parameters
    ----------
    slow_files
        White matter and fluid, with an image of their parts in every voxel.
    """
    smooth = smoothing(rule.smoothing_fwhm_mm)
    scan = read_masked_frames(pet, mask, smooth)
    slow = slow_files.of_voxels(mask, smooth)
    voxels = scan.curves
    reference = read_curves(reference_curve).curves[:, 0]
    main = MODELS[plan.model].parameters[0]
    found = estimate(voxels, reference, plan, threads, slow=slow)
    maps = {map_name(main, window): found[window.name].parameters[main] for window in plan.windows}
    for pair in plan.pairs:
        baseline, challenge = (maps[map_name(main, window)] for window in pair)
        difference = baseline - challenge
        maps[difference_name(main, pair.challenge)] = difference
        divisor = np.where(baseline >= rule.least_baseline, baseline, np.nan)
        maps[difference_name(main, pair.challenge, percent=True)] = 100 * difference / divisor
    if RESPONSE in found:
        maps |= found[RESPONSE].parameters
        if "p" in maps:
            maps["q"] = false_discovery_rate(maps["p"])
    if plan.maps_transport:
        maps["R1"] = _fit_transport(voxels, reference, plan, threads, slow)
    paths = {name: _write_map(values, scan, out_dir / f"{name}.nii.gz") for name, values in maps.items()}
    n_failed = sum(found[window.name].n_failed for window in plan.windows)
    return MapFits(paths, n_failed / max(voxels.shape[1] * len(plan.windows), 1))


def estimate(
    curves: FloatArray,
    reference: FloatArray,
    plan: SettledPlan,
    threads: int = 1,
    noise: FrameNoise | None = None,
    slow: SlowTissue | None = None,
) -> dict[str, Estimates]:
    """Estimates by window name; a displacement model's response stands under `RESPONSE`.

    White matter and fluid that are `slow` are fitted apart.

    Standard errors are those of the residuals; with the `noise` of targets and reference, of repeated scans.

    A model that fits windows is fitted to the points of each; the integrals behind them start at injection. A
    displacement model is fitted once: its binding before the response is the baseline's, the one after it
    the challenge's.
    """
    driving = plan.driving(reference)

    def fit(window: Window) -> Estimates:
        options = replace(plan.options(window), slow=slow)
        found = fit_model(plan.model, curves, driving, plan.frames, options, threads=threads)
        if noise is None:
            return found
        return with_sampling_errors(found, plan.model, (curves, driving), plan.frames, options, noise)

    if not MODELS[plan.model].needs_onset:
        return {window.name: fit(window) for window in plan.windows}
    whole = fit(plan.first_fitted)
    (pair,) = plan.pairs
    after = Estimates(
        {"BPND": whole.parameters["BPNDafter"]},
        {"BPND": whole.standard_errors["BPNDafter"]},
        int(np.isnan(whole.parameters["BPNDafter"]).sum()),
        whole.degrees,
    )
    return {
        pair.baseline.name: _select(whole, baseline_parameters(plan.model)),
        pair.challenge.name: after,
        RESPONSE: _select(whole, response_parameters(plan.model)),
    }


def baseline_parameters(model: ModelName) -> tuple[str, ...]:
    """Parameters of a displacement model that belong to the time before the response."""
    return tuple(name for name in BASELINE_PARAMETERS if name in MODELS[model].parameters)


def response_parameters(model: ModelName) -> tuple[str, ...]:
    """Parameters of a displacement model that belong to the response."""
    return tuple(name for name in RESPONSE_PARAMETERS if name in MODELS[model].parameters)


def _select(estimates: Estimates, names: Sequence[str]) -> Estimates:
    parameters, errors = estimates.parameters, estimates.standard_errors
    return Estimates(
        {name: parameters[name] for name in names},
        {name: errors[name] for name in names if name in errors},
        estimates.n_failed,
        estimates.degrees,
    )


def _fit_transport(
    voxels: FloatArray, reference: FloatArray, plan: SettledPlan, threads: int, slow: SlowTissue | None
) -> FloatArray:
    """R1 from the frames up to the end of the first window: a challenge cannot disturb them."""
    options = replace(plan.options(plan.undisturbed), k2_prime=plan.k2_prime_per_min, slow=slow)
    estimates = fit_model(TRANSPORT_MODEL, voxels, reference, plan.frames, options, threads=threads)
    return estimates.parameters["R1"]


def _write_map(values: FloatArray, scan: MaskedFrames, path: Path) -> Path:
    volume = np.full(scan.inside.shape, np.nan, dtype=np.float32)
    volume[scan.inside] = values
    return write_image(volume, scan.affine, path, like=scan.header)
