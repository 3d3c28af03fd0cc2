"""Where a group result lies, in one look: nilearn's glass brain."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from nibabel.nifti1 import Nifti1Image
from nilearn.plotting import plot_glass_brain

from morbids.reports.figures.maps import DIVERGING
from morbids.reports.figures.style import FULL_WIDTH_IN, MUTED, new_figure, styled

HEIGHT_IN: Final = 2.9
COLOUR_REACH: Final = 2.5


@styled()
def draw_glass_brain(
    statistic: Path, *, threshold: float, label: str, extreme: float | None = None
) -> Figure:
    """Maximum of the statistic along each axis, positive red and negative blue, beyond `threshold`.

    Parameters
    ----------
    statistic
        Map in MNI space; NaN outside the tested voxels.
    threshold
        Of the absolute value, finite; smaller values are not shown.
    label
        What the colours stand for.
    extreme
        End of the symmetric colours; a multiple of the threshold when not given, because with few maps t has a long
        tail that would pale the rest.
    """
    image = Nifti1Image.from_filename(statistic)
    values = np.nan_to_num(image.get_fdata())
    reach = COLOUR_REACH * threshold if extreme is None else extreme
    figure = new_figure(FULL_WIDTH_IN, HEIGHT_IN, constrained=False)
    plot_glass_brain(
        Nifti1Image(values.astype(np.float32), image.affine),
        threshold=threshold,
        display_mode="lyrz",
        figure=figure,
        colorbar=True,
        plot_abs=False,
        cmap=DIVERGING,
        vmin=-reach,
        vmax=reach,
        radiological=False,
    )
    figure.text(0.008, 0.98, label, ha="left", va="top", fontsize=8.5, color=MUTED)
    return figure
