"""People's own heads for a simulated study: folding, atrophy and tissue as their T1w images have them.

Tissue and regions of binding come from a label image where there is one: a truth that owes nothing to the program.
Without one they are the program's own segmentation. Where template and head correspond (hot spots, releases, AAL)
the program's own registration says in both cases.
"""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial.transform import Rotation

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.brain import extract_brain
from morbids.imaging.images import Image, read_image
from morbids.imaging.normalization import register_to_template
from morbids.imaging.resampling import index_transform, read_transform, resample_volume
from morbids.imaging.templates import find_template
from morbids.imaging.tissue import segment_tissue
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.simulation.activity import Tissue
from morbids.simulation.anatomy import BRAIN_STEM_LABEL
from morbids.simulation.bodies import Body, Streams
from morbids.simulation.cohort import Participant
from morbids.simulation.deformation import LATTICE_MM
from morbids.simulation.grids import THREADS, Grid, make_grid, pull
from morbids.simulation.regions import Parcels, hot_spot_shares, read_truth_regions, spread_binding
from morbids.simulation.scan import mni_grid
from morbids.simulation.settings import HeadFiles, StudySettings
from morbids.simulation.subject import Imaged, bind_own
from morbids.simulation.template import HIGH_MM, LOW_MM, TemplateBrain, load_template_brain
from morbids.simulation.truth import MNI, Regions, prepare_regions

logger = logging.getLogger(__name__)

FLUID_LABELS = (1, 4, 11, 46, 49, 50, 51, 52)
WHITE_LABELS = (40, 41, 44, 45, *range(81, 96))
MIXED_LABELS = (61, 62)
"""Ventral diencephalon: nuclei and bundles that no label parts; half grey, half white."""
LEAST_KNOWN = 0.5
"""Share of labelled voxels whose number the table of binding knows; other protocols share few numbers."""
MIXING_MM = 1.0
"""Standard deviation by which borders of labels mix: a voxel in which tissues meet holds both."""
WHITE_SIGNAL = 1000.0
"""Of a T1w image that the program has corrected."""
DARK, BRIGHT = 0.25, 0.5
"""T1w, as part of white matter, from which what surrounds the brain is soft tissue: bone and air are darker."""
_PLACING_STEP = 7
_LPS = np.array([-1.0, -1.0, 1.0])


class FoundWays(NamedTuple):
    """Ways between a head and the template that a registration has found (see `Ways`)."""

    template_to_t1w: sitk.Transform
    t1w_to_template: sitk.Transform
    lattice: Grid


class Measured(NamedTuple):
    """What the program makes of a head, (x, y, z) on the grid of its T1w image.

    Attributes
    ----------
    t1w
        As it was given.
    corrected
        Without bias, white matter near 1000.
    tissue, grey, white, csf
        Segmentation (grey 1, white 2, fluid 3), and the share of each.
    """

    t1w: FloatArray
    grid: Grid
    corrected: FloatArray
    tissue: IntArray
    grey: FloatArray
    white: FloatArray
    csf: FloatArray
    ways: FoundWays


class Shares(NamedTuple):
    """Shares of a voxel that are grey matter, white matter, fluid and brain stem."""

    grey: FloatArray
    white: FloatArray
    csf: FloatArray
    stem: FloatArray


class RealHead(NamedTuple):
    """A head that participants can have: tissue at the average binding on `grid`, and its place in the scanner."""

    tissue: Tissue
    grid: Grid
    place: FloatArray
    ways: FoundWays
    imaged: Imaged
    regions: Regions


class RealBodies:
    """People's own heads, in turn; binding differs between participants as in the study with the average head."""

    def __init__(self, settings: StudySettings, files: HeadFiles, source: Grid, folder: Path) -> None:
        self.settings, self.files, self.source, self.folder = settings, files, source, folder
        self.template = load_template_brain(settings.template_voxel_mm)
        self._made = 0
        self._head: tuple[int, RealHead] | None = None

    def make(self, streams: Streams, person: Participant) -> Body:
        """Make the body of the next participant; the T1w image is their head's own, nothing of it is drawn."""
        number = self.files.number_of(self._made, self.settings.participants)
        self._made += 1
        if self._head is None or self._head[0] != number:
            self._head = number, self._prepare(number)
        head = self._head[1]
        subject = bind_own(streams.body, person, head.ways, head.grid, head.tissue, head.place)
        return Body(subject, head.imaged, head.regions)

    def _prepare(self, number: int) -> RealHead:
        t1w, labels = self.files.t1w[number], None
        logger.info("Head %s", t1w.name)
        with TemporaryDirectory(prefix=".head-", dir=self.folder) as work:
            measured = measure_head(t1w, Path(work))
        if self.files.labels:
            labels = read_labels(self.files.labels[number], measured.grid)
        occipital, voxel_mm = self.settings.occipital_binding, self.files.voxel_mm
        return prepare_head(measured, labels, self.template, self.source, occipital, voxel_mm)


def measure_head(t1w: Path, work: Path) -> Measured:
    """Bring a T1w image through the program's own steps; their doubts are told."""
    template = find_template(MNI, 2, work / "templates")
    brain = extract_brain(t1w, template.brain, template.mask, work / "brain", THREADS)
    images = brain.corrected_t1w, brain.mask, template.brain, template.mask
    found = register_to_template(*images, work / "template", THREADS, brain.template_affine)
    tissue = segment_tissue(brain.corrected_t1w, brain.mask, work / "tissue", found.template_to_t1w)
    for concern in filter(None, (brain.concern, found.concern, tissue.concern)):
        logger.warning("%s: %s", t1w.name, concern)
    ways = FoundWays(
        read_transform(found.template_to_t1w),
        read_transform(found.t1w_to_template),
        make_grid(LOW_MM, HIGH_MM, LATTICE_MM),
    )
    head, corrected = read_image(t1w), read_image(brain.corrected_t1w)
    dseg, grey, white, csf = (
        read_image(path).values for path in (tissue.dseg, tissue.gm, tissue.wm, tissue.csf)
    )
    values = np.nan_to_num(head.values)
    return Measured(
        values, grid_of(head), corrected.values, dseg.round().astype(np.uint8), grey, white, csf, ways
    )


def grid_of(image: Image) -> Grid:
    """Grid of an image."""
    nx, ny, nz = image.values.shape[:3]
    return Grid((nx, ny, nz), image.affine)


def read_labels(path: Path, grid: Grid) -> IntArray:
    """Read a label image onto the grid of its T1w image.

    Raises
    ------
    MorbidsError
        It lies elsewhere, or most of its numbers are none of Neuromorphometrics.
    """
    image = read_image(path)
    labels: IntArray = pull(image.values, grid_of(image), grid, nearest=True).round().astype(np.int32)
    listed = [label for region in read_truth_regions() for label in region.labels]
    known = np.isin(labels, (*listed, *FLUID_LABELS, *WHITE_LABELS))
    if not known.any() or known.sum() < LEAST_KNOWN * (labels > 0).sum():
        raise MorbidsError(
            f"{path} has few labels of Neuromorphometrics where its T1w image has a brain.",
            "Give labels numbered as Neuromorphometrics (MUSE, DLMUSE) on the T1w image, or none.",
            ExitCode.USAGE,
        )
    return np.where(known, labels, 0).astype(np.int16)


def prepare_head(
    measured: Measured,
    labels: IntArray | None,
    template: TemplateBrain,
    source: Grid,
    occipital_binding: float = 0.0,
    voxel_mm: float | None = None,
) -> RealHead:
    """Lay a head into the scanner, and tissue and the average binding into the head.

    Parameters
    ----------
    labels
        Neuromorphometrics on the grid of the T1w image; None takes the program's own segmentation.
    source
        Grid of the usual place of a head on which activity is made.
    """
    ways = measured.ways
    place = place_of(ways, template)
    grid = Grid(source.shape, place @ source.affine)
    warp = [ways.template_to_t1w]
    if labels is None:
        parcellation = pull(template.neuromorphometrics, template.grid, grid, warp, nearest=True)
        shares = segmented_shares(measured, parcellation.astype(np.int16), grid)
        tissue = measured.tissue
    else:
        parcellation = pull(labels, measured.grid, grid, nearest=True)
        whole = labelled_shares(labels)
        shares = Shares(*(_mixed(share, measured.grid, grid) for share in whole))
        tissue = tissue_of(whole)
    aal = pull(template.aal, template.grid, grid, warp, nearest=True).astype(np.int16)
    spots = {
        region: pull(share, mni_grid(), grid, warp) for region, share in hot_spot_shares(mni_grid()).items()
    }
    parcels = Parcels(parcellation.astype(np.int16), aal, spots)
    bp_nd, r1 = spread_binding(parcels, grid, occipital_binding)
    soft = _mixed(soft_share(measured.corrected, tissue > 0), measured.grid, grid)
    own = Tissue(shares.grey + shares.stem, shares.white, shares.csf, soft, bp_nd, r1)
    back = [ways.t1w_to_template]
    truth = (pull(values, grid, mni_grid(), back) for values in (own.binding, own.bp_nd))
    imaged = image_as(Imaged(measured.t1w, measured.grid, tissue > 0, tissue), voxel_mm)
    return RealHead(own, grid, place, ways, imaged, prepare_regions(template, *truth))


def place_of(ways: FoundWays, template: TemplateBrain) -> FloatArray:
    """(4, 4) RAS mm from the usual place of a head, the template's, to this head: shift and turn, no stretch."""
    where = np.argwhere(template.t1w > 0)[:: _PLACING_STEP**3]
    affine = template.grid.affine
    points = where @ affine[:3, :3].T + affine[:3, 3]
    carried = (
        np.array([ways.t1w_to_template.TransformPoint(point) for point in (points * _LPS).tolist()]) * _LPS
    )
    turn = Rotation.align_vectors(carried - carried.mean(axis=0), points - points.mean(axis=0))[0].as_matrix()
    place = np.eye(4)
    place[:3, :3] = turn
    place[:3, 3] = carried.mean(axis=0) - turn @ points.mean(axis=0)
    return place


def labelled_shares(labels: IntArray) -> Shares:
    """Whole voxels of each tissue, by their label."""
    weights = np.zeros((256, len(Shares._fields)), np.float32)
    weights[1:, 0] = 1
    for column, numbers in ((1, WHITE_LABELS), (2, FLUID_LABELS), (3, (BRAIN_STEM_LABEL,))):
        weights[list(numbers)] = np.eye(4)[column]
    weights[list(MIXED_LABELS), :2] = 0.5
    return Shares(*(column[labels] for column in weights.T))


def tissue_of(shares: Shares) -> IntArray:
    """Largest of grey 1, white 2 (with the brain stem) and fluid 3; 0 outside."""
    three = np.stack([shares.grey, shares.white + shares.stem, shares.csf])
    return np.where(three.any(axis=0), 1 + three.argmax(axis=0), 0).astype(np.uint8)


def segmented_shares(measured: Measured, parcellation: IntArray, grid: Grid) -> Shares:
    """Shares on `grid` by the program's segmentation; the brain stem, with a density of its own, by the template's."""
    grey, white, csf = (
        pull(share, measured.grid, grid) for share in (measured.grey, measured.white, measured.csf)
    )
    stem = (parcellation == BRAIN_STEM_LABEL).astype(np.float32)
    return Shares(grey * (1 - stem), white * (1 - stem), csf, (grey + white) * stem)


def soft_share(corrected: FloatArray, brain: BoolArray) -> FloatArray:
    """Share of scalp, muscle and marrow outside the brain, by how bright T1w is."""
    share = np.clip((corrected / WHITE_SIGNAL - DARK) / (BRIGHT - DARK), 0, 1)
    return np.where(brain, 0, share).astype(np.float32)


def _mixed(share: FloatArray, source: Grid, target: Grid) -> FloatArray:
    """Bring whole voxels to another grid, mixed at their borders."""
    return pull(ndimage.gaussian_filter(share, MIXING_MM / source.voxel_mm), source, target)


def image_as(imaged: Imaged, voxel_mm: float | None) -> Imaged:
    """Interpolate a T1w image and its truth to cubes along its own axes; None leaves them as they are."""
    if voxel_mm is None:
        return imaged
    step = voxel_mm / imaged.grid.voxel_mm
    nx, ny, nz = (int(n) for n in np.ceil(np.array(imaged.grid.shape) / step))
    affine = imaged.grid.affine @ np.vstack([np.column_stack([np.diag(step), (step - 1) / 2]), [0, 0, 0, 1]])
    grid = Grid((nx, ny, nz), affine)
    through = index_transform([], affine, imaged.grid.affine)
    t1w = resample_volume(imaged.t1w.astype(np.float32), grid.shape, through, "cubic", THREADS).clip(min=0)
    tissue = pull(imaged.tissue, imaged.grid, grid, nearest=True).astype(np.uint8)
    return Imaged(t1w, grid, tissue > 0, tissue)
