"""What a fitted table leaves behind: parameters, every setting beside them, and figures."""

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from morbids.bids.curve_tables import CurveTable
from morbids.bids.sidecars import kinpar_columns
from morbids.bids.tables import write_table
from morbids.bids.writing import write_text
from morbids.fit.choices import Choices
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.estimates import Estimates
from morbids.numerics.kinetics.information import compare_models
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.prediction import can_predict, predict_curves
from morbids.reports.figures.blood import draw_input
from morbids.reports.figures.curves import draw_curves, draw_fits
from morbids.reports.figures.labels import choose_evenly
from morbids.reports.figures.style import PALETTE, write_figure

NO_UNIT = "unit of the table"


def write_parameters(fits: Mapping[str, Estimates], table: CurveTable, path: Path, *, windowed: bool) -> None:
    """Write a row per window and region, columns as in a BIDS kinpar table."""
    parts = []
    for window, estimates in fits.items():
        rows = pd.DataFrame({"name": table.names, **estimates.columns()})
        if windowed:
            rows.insert(0, "window", window)
        parts.append(rows)
    write_table(pd.concat(parts, ignore_index=True), path)


def write_comparison(models: tuple[ModelName, ...], table: CurveTable, choices: Choices, path: Path) -> None:
    """Write the information criteria of several models: a row per window, region and model."""
    parts = []
    for window in choices.windows:
        options = replace(choices.options, points=choices.points(table, window))
        found = compare_models(models, table.curves, choices.driving, table.frames, options)
        lowest = np.nanmin([criteria.aicc for criteria in found.values()], axis=0)
        for model, criteria in found.items():
            values = {
                "AICc": criteria.aicc,
                "AICc-above-lowest": criteria.aicc - lowest,
                "BIC": criteria.bic,
            }
            rows = pd.DataFrame({"name": table.names, **values})
            rows.insert(0, "window", window.name)
            rows.insert(2, "model", model)
            parts.append(rows.assign(points=criteria.n_points, parameters=criteria.n_parameters))
    write_table(pd.concat(parts, ignore_index=True), path)


def write_sidecar(
    inputs: Mapping[str, object], table: CurveTable, choices: Choices, path: Path, *, windowed: bool
) -> None:
    """Write every setting beside the table of parameters.

    Parameters
    ----------
    inputs
        Files and columns that were read.
    """
    windows = [
        window._asdict()
        | {
            "FramesFitted": int(choices.points(table, window).sum()),
            "MissingMinutesErrorPercent": round(choices.missing[window.name].typical_percent, 3),
        }
        for window in choices.windows
    ]
    columns = kinpar_columns(MODELS[choices.model].parameters)
    if windowed:
        columns = {"window": {"Description": "Window of the scan"}} | columns
    sidecar = (
        {"Description": f"Regional parameters of {choices.model}", **inputs, **choices.facts}
        | {
            "Windows": windows,
            "FrameTimesStart": np.round(table.frames.start_min * 60, 3).tolist(),
            "FrameDuration": np.round(table.frames.duration_min * 60, 3).tolist(),
            "Notes": [*table.notes, *choices.notes],
            "GeneratedBy": [{"Name": "morbids", "Version": version("morbids")}],
        }
        | columns
    )
    write_text(path, json.dumps(sidecar, indent=2, ensure_ascii=False) + "\n")


def draw_figures(
    fits: Mapping[str, Estimates], table: CurveTable, choices: Choices, folder: Path, *, windowed: bool
) -> list[Path]:
    """Draw the curves, and measured against fitted ones with residuals for every window.

    Models whose equation gives no curve back (SUVR, Patlak, MA1, displacement) have no fits. With blood, the input
    function as well.
    """
    unit = table.unit or NO_UNIT
    spans = (
        [(window.name, window.start_min, window.end_min) for window in choices.windows] if windowed else []
    )
    driven = choices.input_function
    name = "reference" if driven is None else "tells the delay"
    figures = {
        "curves": draw_curves(
            *(table.frames, table.curves, table.names, table.reference),
            spans=spans,
            unit=unit,
            reference_name=name,
        )
    }
    if driven is not None:
        figures["input"] = draw_input(driven, float(table.frames.end_min[-1]), unit=unit)
    shown = choose_evenly(table.curves[-1], len(PALETTE))
    names = [table.names[i] for i in shown]
    known = MODELS[choices.model]
    if can_predict(known.parameters) and not known.needs_onset:
        for window in choices.windows:
            fitted = _fitted_curves(fits[window.name], table, choices)
            fitted[~choices.points(table, window)] = np.nan
            figures[f"fits_{window.name}"] = draw_fits(
                table.frames, table.curves[:, shown], fitted[:, shown], names, unit=unit
            )
    return [write_figure(figure, folder / f"{name}.svg") for name, figure in figures.items()]


def _fitted_curves(estimates: Estimates, table: CurveTable, choices: Choices) -> FloatArray:
    return predict_curves(
        *(estimates.parameters, table.curves, choices.driving, table.frames),
        k2_prime=choices.options.k2_prime,
        blood_volume=choices.options.blood_volume,
    )
