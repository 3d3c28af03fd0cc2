"""Pictures of one comparison: its statistic, its effect, its peaks and its design."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from morbids.bids.names import stat_label
from morbids.bids.tables import read_table
from morbids.engine.inputs import StepInputs
from morbids.group.comparison import WrittenDesign
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


@dataclass(frozen=True)
class TemplateFiles(StepInputs):
    """The template's brain, on which maps lie, and its mask."""

    template_brain: Path
    template_mask: Path


class MapLook(NamedTuple):
    """How the maps of a comparison are drawn.

    Attributes
    ----------
    statistic_name, forming
        What is judged, and the height that forms clusters.
    rule
        What the outline means, in words.
    quantity
        What the map of the effect holds.
    directions
        What positive and negative mean.
    threshold
        Height that claims, marked on the colour bar; None where another statistic is judged.
    highest, largest_effect
        Ends of the colours of the statistic and of the effect, which contrasts of one kind share.
    """

    statistic_name: str
    forming: float
    rule: str
    quantity: str
    directions: tuple[str, str]
    threshold: float | None
    highest: float
    largest_effect: float


def picture_comparison(
    maps: Mapping[str, Path],
    clusters: Path,
    claimed: Path,
    look: MapLook,
    template: TemplateFiles,
    out_dir: Path,
) -> Pictures:
    """Draw the statistic through the whole brain and in slices, the effect faded by it, and each cluster's peak.

    What the page claims is outlined. Colours are full from there on that forms clusters.

    Parameters
    ----------
    maps
        By `stat-`.
    clusters, claimed
        Table of clusters and peaks, and image of the claimed voxels.
    """
    backcloth = Backcloth(template.template_brain, template.template_mask)
    symbol, highest = look.statistic_name, look.highest
    statistic = maps[stat_label(symbol)]
    shown = f"|{symbol}|" if "effect" in maps else symbol
    emphasis = Emphasis(claimed, look.rule, look.forming, look.directions, look.threshold)
    through = f"{shown} ≥ {look.forming:.2f}"
    effect = maps.get("effect", maps["r2"])
    drawn = {
        "glass": draw_glass_brain(statistic, threshold=look.forming, label=through, extreme=highest),
        "t": draw_statistic_map(statistic, backcloth, emphasis, label=symbol, extreme=highest),
        "effect": draw_statistic_map(
            statistic, backcloth, emphasis, colours=effect, label=look.quantity, extreme=look.largest_effect
        ),
    }
    peaks = read_table(clusters).drop_duplicates("cluster").head(N_PEAKS)
    if len(peaks):
        places = [
            Peak(_name(row), float(row["x_mm"]), float(row["y_mm"]), float(row["z_mm"]))
            for row in peaks.to_dict("records")
        ]
        drawn["peaks"] = draw_peaks(statistic, backcloth, places, emphasis, label=symbol, extreme=highest)
    return Pictures({name: write_figure(figure, out_dir / f"{name}.png") for name, figure in drawn.items()})


def picture_design(design: WrittenDesign, labels: tuple[str, ...], out_dir: Path) -> DesignPicture:
    """Draw the design matrix."""
    made = design.design
    figure = draw_design(made.matrix, labels, made.columns, made.contrast)
    return DesignPicture(write_figure(figure, out_dir / "design.svg"))


def _name(row: Mapping[Any, Any]) -> str:
    label = row["AAL"] if isinstance(row["AAL"], str) else ""
    return label.replace("_", " ") or f"cluster {row['cluster']}"
