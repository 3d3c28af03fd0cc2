"""Pictures of one comparison: its statistic, its effect, its peaks and its design."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from morbids.bids.tables import read_table
from morbids.group.comparison import WrittenDesign
from morbids.group.steps.inference import PSEUDO_T
from morbids.reports.figures.glass import draw_glass_brain
from morbids.reports.figures.group import draw_design
from morbids.reports.figures.maps import Backcloth, Emphasis, Peak, draw_peaks, draw_statistic_map
from morbids.reports.figures.style import write_figure

# Peaks that are drawn.
N_PEAKS = 8


class Pictures(NamedTuple):
    """Pictures by the name that their `desc` gets."""

    pictures: dict[str, Path]


class DesignPicture(NamedTuple):
    """The design matrix with its contrast."""

    picture: Path


def picture_comparison(
    maps: Mapping[str, Path],
    clusters: Path,
    statistic_name: str,
    forming: float,
    claimed: Path,
    rule: str,
    quantity: str,
    directions: tuple[str, str],
    threshold: float | None,
    extremes: tuple[float, float],
    template_brain: Path,
    template_mask: Path,
    out_dir: Path,
) -> Pictures:
    """Draw the statistic through the whole brain and in slices, the effect faded by it, and each cluster's peak.

    What the page claims is outlined. Colours are full from there on that forms clusters.

    Parameters
    ----------
    statistic_name, forming
        What is judged, and the height that forms clusters.
    claimed
        Image of the claimed voxels.
    rule
        What the outline means, in words.
    threshold
        Height that claims, marked on the colour bar; None where another statistic is judged.
    extremes
        Ends of the colours of the statistic and of the effect, which contrasts of one kind share.
    """
    backcloth = Backcloth(template_brain, template_mask)
    symbol = statistic_name
    statistic = {"pseudo-t": PSEUDO_T}.get(symbol, symbol)
    shown = f"|{symbol}|" if "effect" in maps else symbol
    emphasis = Emphasis(claimed, rule, forming, directions, threshold)
    highest, largest = extremes
    through = f"{shown} ≥ {forming:.2f}"
    effect = maps.get("effect", maps["r2"])
    drawn = {
        "glass": draw_glass_brain(maps[statistic], threshold=forming, label=through, extreme=highest),
        "t": draw_statistic_map(maps[statistic], backcloth, emphasis, label=symbol, extreme=highest),
        "effect": draw_statistic_map(
            maps[statistic], backcloth, emphasis, colours=effect, label=quantity, extreme=largest
        ),
    }
    peaks = read_table(clusters).drop_duplicates("cluster").head(N_PEAKS)
    if len(peaks):
        places = [
            Peak(_name(row), float(row["x_mm"]), float(row["y_mm"]), float(row["z_mm"]))
            for row in peaks.to_dict("records")
        ]
        drawn["peaks"] = draw_peaks(
            maps[statistic], backcloth, places, emphasis, label=symbol, extreme=highest
        )
    return Pictures({name: write_figure(figure, out_dir / f"{name}.png") for name, figure in drawn.items()})


def picture_design(design: WrittenDesign, labels: tuple[str, ...], out_dir: Path) -> DesignPicture:
    """Draw the design matrix."""
    made = design.design
    figure = draw_design(made.matrix, labels, made.columns, made.contrast)
    return DesignPicture(write_figure(figure, out_dir / "design.svg"))


def _name(row: Mapping[Any, Any]) -> str:
    label = row["AAL"] if isinstance(row["AAL"], str) else ""
    return label.replace("_", " ") or f"cluster {row['cluster']}"
