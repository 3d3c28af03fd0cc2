"""How every figure looks, and how it is written: one palette, one type scale, light paper."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib import get_data_path, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from PIL import Image

from morbids.errors import ExitCode, MorbidsError

# A window of time: name, start and end in minutes from injection.
Span = tuple[str, float, float]

INK: Final = "#1b2733"
MUTED: Final = "#5c6b7a"
GRID: Final = "#e3e8ee"
FAINT: Final = "#b9c4cf"
PAPER: Final = "#ffffff"
FILM: Final = "#000000"
FILM_INK: Final = "#d5dde5"

# Okabe and Ito's colours, which people with any colour vision tell apart; black is for the reference region.
PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C6D31")
ACTIVATION: Final = "#D55E00"
DEACTIVATION: Final = "#0072B2"
FLAGGED: Final = "#D55E00"
SPAN_TINTS: Final = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7")

# Two of these stand side by side where one full figure stands, with letters of the same size.
FULL_WIDTH_IN: Final = 10.0
HALF_WIDTH_IN: Final = 4.9
PNG_DPI: Final = 128
# The noise of an image in true colour fills megabytes. Greys and colours get places of their own in one
# palette: a common one would spend itself on the greys of anatomy and merge the two signs of an effect.
PNG_GREYS: Final = 56
PNG_COLOURS: Final = 200
GREYISH: Final = 10
COLOUR_BITS: Final = 6

FONT: Final = "DejaVu Sans"
_STYLE: Final = {
    "font.family": FONT,
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3.0,
    "ytick.major.size": 0.0,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "mathtext.default": "regular",
    "figure.facecolor": PAPER,
    "savefig.facecolor": "auto",
    # Letters as outlines look the same on every machine; the salt makes a second run write the same bytes.
    "svg.fonttype": "path",
    "svg.hashsalt": "morbids",
}


@contextmanager
def styled() -> Iterator[None]:
    """Use the palette and type scale inside a `with` block or a decorated function only."""
    keep_shipped_font()
    with rc_context(_STYLE):  # type: ignore[arg-type]
        yield


@cache
def keep_shipped_font() -> None:
    """Draw with the edition of `FONT` that matplotlib ships: a machine's own may number its letters otherwise."""
    shipped = Path(get_data_path())
    fontManager.ttflist[:] = [
        font for font in fontManager.ttflist if font.name != FONT or shipped in Path(font.fname).parents
    ]


def new_figure(width_in: float, height_in: float, *, constrained: bool = True) -> Figure:
    """An empty figure on an Agg canvas, without pyplot's global state."""
    layout = ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.09) if constrained else None
    figure = Figure(figsize=(width_in, height_in), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def write_figure(figure: Figure, out: Path) -> Path:
    """Write `figure` to `out` (.svg for drawings, .png for images) and return `out`.

    Raises
    ------
    MorbidsError
        When the suffix is neither, or the file cannot be written.
    """
    if out.suffix not in {".svg", ".png"}:
        raise MorbidsError(f"A figure cannot be written as {out.name}.", "Use .svg or .png.", ExitCode.FAILED)
    with _writing(out), styled():
        if out.suffix == ".svg":
            figure.savefig(out, format="svg", metadata={"Date": None, "Creator": "morbids"})
        else:
            _write_png(figure, out)
    return out


PUBLISHED: Final = (".svg", ".pdf", ".png")


def publish_figure(figure: Figure, out: Path, *, dpi: float) -> Path:
    """Write `figure` for a journal: letters stay letters, images inside have `dpi`; return `out`.

    Raises
    ------
    MorbidsError
        When the suffix is none of `PUBLISHED`, or the file cannot be written.
    """
    if out.suffix not in PUBLISHED:
        told = ", ".join(PUBLISHED)
        raise MorbidsError(f"A figure cannot be written as {out.name}.", f"Use {told}.", ExitCode.USAGE)
    # Letters with a halo would be written as outlines.
    for text in figure.findobj(Text):
        text.set_path_effects([])
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(out.suffix)
    with _writing(out), styled(), rc_context({"svg.fonttype": "none", "pdf.fonttype": 42}):
        figure.savefig(out, dpi=dpi, metadata=metadata)
    return out


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Make the folder of a figure, and tell in a sentence when it or the figure cannot be written."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise MorbidsError(
            f"The figure {out} cannot be written: {error}.",
            f"Check permissions and free space of {out.parent}.",
            ExitCode.CANNOT_WRITE,
        ) from error


def _write_png(figure: Figure, out: Path) -> None:
    figure.set_dpi(PNG_DPI)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=PNG_DPI)
    width, height = figure.canvas.get_width_height()
    pixels = np.frombuffer(buffer.getvalue(), dtype=np.uint8).reshape(height, width, 4)
    # The highest level makes files a hundredth smaller, in up to five times the time.
    _with_palette(pixels[..., :3]).save(out, format="PNG", compress_level=6)


def _with_palette(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    """Image (rows, columns, 3) with evenly spaced greys and the colours that suit the other pixels best."""
    coloured = np.ptp(pixels, axis=-1) > GREYISH
    levels = np.rint(pixels.mean(axis=-1) / 255 * (PNG_GREYS - 1)).astype(np.uint8)
    palette = np.zeros((PNG_GREYS + PNG_COLOURS, 3), dtype=np.uint8)
    palette[:PNG_GREYS] = np.rint(np.linspace(0, 255, PNG_GREYS))[:, None]
    if coloured.any():
        # Each colour counts by the root of its frequency, so that colour bars stay smooth.
        colours, counts = _count_colours(pixels[coloured])
        weighted = np.repeat(colours, np.ceil(np.sqrt(counts)).astype(int), axis=0)
        choice = Image.fromarray(weighted[None]).quantize(PNG_COLOURS, dither=Image.Dither.NONE)
        chosen = np.reshape(choice.getpalette() or [], (-1, 3))[:PNG_COLOURS]
        palette[PNG_GREYS : PNG_GREYS + len(chosen)] = chosen
        strip = Image.fromarray(pixels[coloured][None]).quantize(palette=choice, dither=Image.Dither.NONE)
        levels[coloured] = np.asarray(strip)[0] + PNG_GREYS
    reduced = Image.fromarray(levels, mode="P")
    reduced.putpalette(palette.tobytes())
    return reduced


def _count_colours(pixels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.intp]]:
    """Colours (n, 3) to `COLOUR_BITS` bits that pixels (m, 3) have, and how many have each."""
    dropped = 8 - COLOUR_BITS
    red, green, blue = (pixels >> dropped).astype(np.int32).T
    counts = np.bincount((red << 2 * COLOUR_BITS) + (green << COLOUR_BITS) + blue)
    codes = np.flatnonzero(counts)
    channels = [codes >> 2 * COLOUR_BITS, codes >> COLOUR_BITS, codes]
    colours = np.stack(channels, axis=-1) % 2**COLOUR_BITS << dropped
    return colours.astype(np.uint8), counts[codes]


def bare(axes: Axes) -> None:
    """Remove ticks, spines and grid, for axes that hold an image or text."""
    axes.set_axis_off()


def shade_spans(axes: Axes, spans: Sequence[Span], *, label: bool = True) -> None:
    """Shade windows of time behind the data, each with its name at the top of the axes."""
    for order, (_, start_min, end_min) in enumerate(spans):
        tint = SPAN_TINTS[order % len(SPAN_TINTS)]
        axes.axvspan(start_min, end_min, color=tint, alpha=0.16, linewidth=0, zorder=0)
    if label:
        name_spans(axes, spans)


def name_spans(axes: Axes, spans: Sequence[Span]) -> None:
    """Write the names of windows of time above the axes."""
    for name, start_min, end_min in spans:
        axes.text(
            (start_min + end_min) / 2,
            1.0,
            name,
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=8.5,
            color=MUTED,
        )
