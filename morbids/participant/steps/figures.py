"""Draw what the pages show: each step writes the pictures of one result, by the name that their `desc` gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from morbids.bids.sidecars import MEASUREMENTS
from morbids.bids.tables import read_table
from morbids.bids.windows import Window, window_points
from morbids.engine.inputs import StepInputs
from morbids.imaging.images import read_image, write_image
from morbids.imaging.transforms import invert, read_itk
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.kinetics.graphical import fit_logan_ref, logan_plot
from morbids.numerics.kinetics.least_squares import FrameChoice
from morbids.numerics.kinetics.models import MODELS, FitOptions, fit_model
from morbids.numerics.kinetics.plasma import PlasmaInput
from morbids.numerics.kinetics.plasma_graphical import fit_plasma_logan, plasma_logan_plot
from morbids.numerics.kinetics.prediction import predict_curves
from morbids.numerics.kinetics.slow_tissue import without_slow
from morbids.participant.kinetic_plan import KineticPlan, SettledPlan
from morbids.participant.steps.curves import read_curves
from morbids.participant.steps.kinetics import RESPONSE, difference_name, map_name
from morbids.participant.steps.mixture import UNMIXED, SlowFiles
from morbids.reports.figures import anatomy as anatomy_figures
from morbids.reports.figures import blood as blood_figures
from morbids.reports.figures import curves as curve_figures
from morbids.reports.figures import kinetics as kinetic_figures
from morbids.reports.figures import maps as map_figures
from morbids.reports.figures import motion as motion_figures
from morbids.reports.figures import pet as pet_figures
from morbids.reports.figures import style

# Span of assumed k2' around the one used, for the sensitivity figure.
K2_PRIME_FACTORS = np.geomspace(0.5, 2.0, 13)


class Picture(NamedTuple):
    """One picture."""

    picture: Path


class Pictures(NamedTuple):
    """Pictures by the name that their `desc` gets."""

    pictures: dict[str, Path]


@dataclass(frozen=True)
class ReferenceFiles(StepInputs):
    """The reference region, and the labels that it was cut from, in PET space."""

    reference_mask: Path
    reference_labels: Path


def picture_anatomy(t1w: Path, mask: Path, dseg: Path, out_dir: Path) -> Picture:
    """T1w with the outlines of brain and tissue."""
    return Picture(style.write_figure(anatomy_figures.draw_brain(t1w, mask, dseg), out_dir / "brain.png"))


def picture_normalization(
    t1w_in_template: Path, template_brain: Path, template_mask: Path, space: str, out_dir: Path
) -> Pictures:
    """T1w in template space, and the template on the same planes."""
    images = {"normalized": (t1w_in_template, "T1w"), "template": (template_brain, space)}
    return Pictures(
        {
            name: style.write_figure(
                anatomy_figures.draw_in_template(image, template_mask, title), out_dir / f"{name}.png"
            )
            for name, (image, title) in images.items()
        }
    )


def picture_registration(
    petref: Path, pet_to_t1w: Path, t1w_mask: Path, dseg: Path, unit: str, out_dir: Path
) -> Picture:
    """PET reference with the outlines of the T1w's brain and tissue.

    The registration goes into the image's affine: what is drawn has been interpolated by nothing but the drawing.
    """
    moved = move_rigidly(petref, invert(read_itk(pet_to_t1w)[0]), out_dir / "petref.nii")
    figure = pet_figures.draw_pet_on_t1w(moved, t1w_mask, dseg, unit=unit)
    return Picture(style.write_figure(figure, out_dir / "coregistration.png"))


def picture_reference(
    petref: Path,
    region: ReferenceFiles,
    mask: Path,
    t1w: Path,
    pet_to_t1w: Path,
    name: str,
    unit: str,
    out_dir: Path,
) -> Pictures:
    """The reference region on the PET reference image, and on the T1w image on the same planes."""
    files = region.reference_mask, region.reference_labels
    on_pet = pet_figures.draw_reference_region(petref, *files, mask, name=name, unit=unit)
    moved = move_rigidly(t1w, read_itk(pet_to_t1w)[0], out_dir / "t1w.nii")
    on_t1w = pet_figures.draw_reference_region(petref, *files, mask, name=name, t1w=moved)
    return Pictures(
        {
            "reference": style.write_figure(on_pet, out_dir / "reference.png"),
            "referenceT1w": style.write_figure(on_t1w, out_dir / "t1w.png"),
        }
    )


def plot_motion(confounds: Path, plan: KineticPlan, out_dir: Path) -> Picture:
    """The head's position over the scan."""
    figure = motion_figures.draw_motion(plan.frames, read_motion(confounds), spans_of(plan))
    return Picture(style.write_figure(figure, out_dir / "motion.svg"))


def read_motion(confounds: Path) -> motion_figures.MotionTrace:
    """The head's position by frame, from the table of confounds."""
    table = read_table(confounds)
    return motion_figures.MotionTrace(
        translations_mm=table[["trans_x", "trans_y", "trans_z"]].to_numpy(dtype=float),
        rotations_deg=np.rad2deg(table[["rot_x", "rot_y", "rot_z"]].to_numpy(dtype=float)),
        framewise_displacement_mm=table["framewise_displacement"].to_numpy(dtype=float),
        borrowed=table["motion_borrowed"].to_numpy() > 0,
        flagged=table["motion_outlier"].to_numpy() > 0,
    )


def plot_curves(curves: Path, reference_curve: Path, plan: KineticPlan, unit: str, out_dir: Path) -> Picture:
    """Curves of regions and of the reference region, windows shaded."""
    table = read_curves(curves)
    figure = curve_figures.draw_curves(
        plan.frames,
        table.curves,
        table.names,
        read_curves(reference_curve).curves[:, 0],
        spans=spans_of(plan),
        highlighted=[table.names[region] for region in spread_curves(table.curves)],
        unit=unit,
        reference_name=plan.reference.name,
    )
    return Picture(style.write_figure(figure, out_dir / "curves.svg"))


def plot_logan(curves: Path, reference_curve: Path, plan: SettledPlan, out_dir: Path) -> Picture:
    """Logan plot of the six regions that bind most, with a line per window."""
    table, frames = read_curves(curves), plan.frames
    driving = plan.driving(read_curves(reference_curve).curves[:, 0])
    points = np.stack([window_points(frames, window) for window in plan.windows])
    fits: list[tuple[FloatArray, FloatArray]] = []
    for chosen in points:
        frame_choice: FrameChoice = {"points": chosen, "inverse_variance": plan.inverse_variance}
        if isinstance(driving, PlasmaInput):
            volume = plan.blood_volume or 0.0
            by_plasma = fit_plasma_logan(table.curves, driving, frames, blood_volume=volume, **frame_choice)
            fits.append((by_plasma.vt, by_plasma.intercept))
            axes = plasma_logan_plot(table.curves, driving, frames, volume)
        else:
            k2_prime = plan.k2_prime_in_model
            fit = fit_logan_ref(table.curves, driving, frames, k2_prime=k2_prime, **frame_choice)
            fits.append((fit.dvr, fit.intercept))
            axes = logan_plot(table.curves, driving, frames, k2_prime)
    shown = _highest(fits[0][0], 6)
    lines = kinetic_figures.LoganLines(
        axes.x[:, shown],
        axes.y[:, shown],
        np.stack([slope[shown] for slope, _ in fits]),
        np.stack([intercept[shown] for _, intercept in fits]),
        points,
    )
    figure = kinetic_figures.draw_logan(
        lines,
        [table.names[region] for region in shown],
        [window.name for window in plan.windows],
        frames.mid_min >= plan.t_star_min,
    )
    return Picture(style.write_figure(figure, out_dir / "logan.svg"))


def plot_input(curve: Path, plan: SettledPlan, unit: str, out_dir: Path) -> Picture:
    """Samples of blood and the input function, on the clock of the tissue whose curve told the delay."""
    shown = plan.input_function(read_curves(curve).curves[:, 0])
    figure = blood_figures.draw_input(shown, float(plan.frames.end_min[-1]), unit=unit)
    return Picture(style.write_figure(figure, out_dir / "input.svg"))


def plot_estimates(kinpar: Mapping[str, Path], parameter: str, out_dir: Path) -> Picture:
    """Estimates by region and window, with standard errors."""
    tables = {
        window: table for window, path in kinpar.items() if parameter in (table := read_table(path)).columns
    }
    names = next(iter(tables.values()))["name"].tolist()
    values, errors = (
        np.stack([table[column].to_numpy(dtype=float) for table in tables.values()], axis=1)
        for column in (parameter, f"{parameter}-se")
    )
    figure = kinetic_figures.draw_regional_estimates(
        values, errors, names, list(tables), label=label_of_parameter(parameter)
    )
    return Picture(style.write_figure(figure, out_dir / "estimates.svg"))


def plot_fits(
    curves: Path,
    reference_curve: Path,
    plan: SettledPlan,
    unit: str,
    out_dir: Path,
    slow_files: SlowFiles = UNMIXED,
) -> Pictures:
    """Measured and fitted curves with residuals: a picture per fit, of each window or of the whole response.

    Slow tissue that was taken out before the fit is in both.
    """
    table, frames = read_curves(curves), plan.frames
    reference = read_curves(reference_curve).curves[:, 0]
    target, reference = without_slow(table.curves, reference, slow_files.of_regions())
    driving = plan.driving(reference)
    pictures = {}
    for window in fitted_windows(plan):
        options = plan.options(window)
        found = fit_model(plan.model, target, driving, frames, options).parameters
        expected = predict_curves(
            *(found, target, driving, frames),
            k2_prime=plan.k2_prime_in_model,
            onset_min=options.onset_min,
            blood_volume=options.blood_volume,
        )
        expected += table.curves - target
        expected[~plan.points(window)] = np.nan
        figure = curve_figures.draw_fits(plan.frames, table.curves, expected, table.names, unit=unit)
        pictures[f"fits{window.name}"] = style.write_figure(figure, out_dir / f"{window.name}.svg")
    return Pictures(pictures)


def fitted_windows(plan: KineticPlan) -> tuple[Window, ...]:
    """What is fitted at once: each window, or a baseline and its response together."""
    if not MODELS[plan.model].needs_onset:
        return plan.windows
    return (Window(RESPONSE, plan.t_star_min or 0.0, plan.pairs[0].challenge.end_min),)


def plot_t_star(
    curves: Path,
    reference_curve: Path,
    plan: SettledPlan,
    out_dir: Path,
    slow_files: SlowFiles = UNMIXED,
) -> Picture:
    """How much the estimates depend on t*: every start of the line that leaves enough points."""
    frames = plan.frames
    starts = frames.start_min[(frames.start_min >= 0) & (np.arange(frames.n_frames) <= frames.n_frames - 4)]
    windows = [Window("", float(start), float(frames.end_min[-1])) for start in starts]
    tried = _Tried(
        MODELS[plan.model].parameters[0],
        starts,
        [plan.options(window) for window in windows],
        plan.t_star_min,
        "t* (min), fitted to the end of the scan",
    )
    figure = _draw_sensitivity((curves, reference_curve), plan, slow_files, tried)
    return Picture(style.write_figure(figure, out_dir / "tstar.svg"))


def plot_k2_prime(
    curves: Path,
    reference_curve: Path,
    plan: SettledPlan,
    out_dir: Path,
    slow_files: SlowFiles = UNMIXED,
) -> Picture:
    """How much the first fit depends on the assumed k2': the change where a response is fitted."""
    assumed = plan.k2_prime_per_min * K2_PRIME_FACTORS
    tried = _Tried(
        "BPNDchange" if MODELS[plan.model].needs_onset else MODELS[plan.model].parameters[0],
        assumed,
        [plan.options(plan.first_fitted, value) for value in assumed],
        plan.k2_prime_per_min,
        "assumed $k_2'$ (1/min)",
    )
    figure = _draw_sensitivity((curves, reference_curve), plan, slow_files, tried)
    return Picture(style.write_figure(figure, out_dir / "k2prime.svg"))


class _Tried(NamedTuple):
    """An assumption that is varied: what it does to a parameter, its values with their options, and the one in use."""

    parameter: str
    values: FloatArray
    options: Sequence[FitOptions]
    used: float
    label: str


def _draw_sensitivity(
    curves: tuple[Path, Path], plan: SettledPlan, slow_files: SlowFiles, tried: _Tried
) -> Figure:
    """Fit regions and reference (two tables) under every assumption."""
    table, driving = read_curves(curves[0]), plan.driving(read_curves(curves[1]).curves[:, 0])
    slow = slow_files.of_regions()
    estimates = [
        fit_model(plan.model, table.curves, driving, plan.frames, replace(options, slow=slow)).parameters[
            tried.parameter
        ]
        for options in tried.options
    ]
    return kinetic_figures.draw_sensitivity(
        tried.values,
        np.stack(estimates),
        table.names,
        tried.used,
        assumed_label=tried.label,
        label=label_of_parameter(tried.parameter),
    )


def picture_maps(
    maps: Mapping[str, Path], template_brain: Path, template_mask: Path, plan: KineticPlan, out_dir: Path
) -> Pictures:
    """Maps of every window, of every difference, and of R1 on the template; windows share a colour scale."""
    backcloth = map_figures.Backcloth(template_brain, template_mask)
    main = MODELS[plan.model].parameters[0]
    inside = read_image(template_mask).values > 0.5
    highest = max(_percentile(maps[map_name(main, window)], inside) for window in plan.windows)
    pictures: dict[str, Path] = {}

    def write(name: str, figure: Figure) -> None:
        # One at a time: a figure takes 100 MB until it is written.
        pictures[name] = style.write_figure(figure, out_dir / f"{name}.png")

    for window in plan.windows:
        image, label = maps[map_name(main, window)], label_of_parameter(main)
        write(window.name, map_figures.draw_parametric_map(image, backcloth, label=label, highest=highest))
    if plan.maps_transport:
        label = label_of_parameter("R1")
        write("R1", map_figures.draw_parametric_map(maps["R1"], backcloth, label=label))
    for pair in plan.pairs:
        image = maps[difference_name(main, pair.challenge)]
        label = f"change of {label_of_parameter(main)}"
        name = difference_name("", pair.challenge).replace("_", "")
        write(name, map_figures.draw_difference_map(image, backcloth, label=label))
    return Pictures(pictures)


def label_of_parameter(parameter: str) -> str:
    """Name of a parameter as figures write it, with its unit."""
    symbols = {"BPND": "$BP_{ND}$", "R1": "$R_1$", "Ki": "$K_i$", "VT": "$V_T$"}
    unit = MEASUREMENTS[parameter].units
    return symbols.get(parameter, parameter) + ("" if unit == "unitless" else f" ({unit})")


def move_rigidly(image: Path, matrix: FloatArray, out: Path) -> Path:
    """Move an image rigidly in the world, without interpolation, for a picture: `out` is not worth compressing."""
    still = read_image(image)
    return write_image(still.values, matrix @ still.affine, out, like=still.header)


def spans_of(plan: KineticPlan) -> list["style.Span"]:
    """Windows as figures shade them."""
    return [(window.name, window.start_min, window.end_min) for window in plan.windows]


def _highest(values: FloatArray, count: int) -> list[int]:
    """Return places of the largest finite values, largest first."""
    order: Sequence[int] = np.argsort(np.nan_to_num(-values, nan=np.inf))[:count].tolist()
    return [place for place in order if np.isfinite(values[place])] or list(order)


def spread_curves(curves: FloatArray, count: int = 6) -> list[int]:
    """Places of curves (n_frames, n_regions) from the highest to the lowest at the end, evenly picked."""
    order = np.argsort(-np.nan_to_num(curves[-1]))
    return [
        int(order[place]) for place in np.unique(np.linspace(0, len(order) - 1, count).round().astype(int))
    ]


def _percentile(path: Path, inside: BoolArray) -> float:
    values = read_image(path).values[inside]
    return float(np.nanpercentile(values, 99.5)) if np.isfinite(values).any() else 1.0
