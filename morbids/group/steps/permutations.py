"""Permutation tests in pieces: which tests a comparison needs, and what one piece of one test finds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from morbids.group.comparison import WrittenDesign
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.clusters import make_lattice
from morbids.numerics.statistics.methods import METHODS, STATISTICS, Inference, MaximumOf
from morbids.numerics.statistics.permutation import (
    Measurement,
    NullMaxima,
    find_null_maxima,
    join_pieces,
)
from morbids.numerics.statistics.plan import (
    People,
    PermutationPlan,
    Piece,
    plan_design,
    plan_jointly,
)
from morbids.numerics.statistics.pseudo_t import make_smoother
from morbids.numerics.statistics.rearranged import RearrangedModel, prepare_model

# Label of the test that only serves the claims.
CLAIMS = "claims"
# The largest t is quick to find: all sign patterns of 18 maps take seconds, and p has no Monte-Carlo error.
EXHAUSTIVE_UP_TO = 2**17


@dataclass(frozen=True)
class PermutationTest:
    """Statistics whose maxima are noted on the rearrangements of one plan.

    Attributes
    ----------
    label
        Name of its steps.
    joint
        Whether its rearrangements move the same people in all questions: the claims of the page stand on it.
    """

    label: str
    statistics: tuple[MaximumOf, ...]
    plan: PermutationPlan
    joint: bool = False


class Heights(NamedTuple):
    """What is judged of a map, and which heights form clusters.

    Attributes
    ----------
    forming_p
        Uncorrected two-tailed p that forms clusters.
    variance_fwhm_mm
        Width by which the variance is smoothed: pseudo-t; 0 for t or z.
    """

    forming_p: float
    variance_fwhm_mm: float = 0.0


class Maxima(NamedTuple):
    """The maxima of one piece, `.npz`."""

    maxima: Path


def plan_tests(
    design: WrittenDesign,
    inference: Sequence[Inference],
    n_permutations: int,
    seed: int,
    variance_fwhm_mm: float,
    people: People,
    expected: int,
) -> tuple[PermutationTest, ...]:
    """Plan max-T, exhaustive where that is quick, the methods that need whole maps, and what the page claims by.

    The first method of `inference` is the one that claims: it needs joint rearrangements, one-tailed where a sign is
    expected. Where the same rearrangements serve its own correction, they are made once.
    """
    statistics = tuple(one.name for name in inference if (one := METHODS[name].statistic) is not None)
    most = 0 if variance_fwhm_mm else EXHAUSTIVE_UP_TO
    joint = plan_jointly(design.design, n_permutations, people, seed=seed, two_tailed=not expected)
    quick = plan_design(design.design, n_permutations, seed=seed, exhaustive_up_to=most)
    slow = plan_design(design.design, n_permutations, seed=seed)
    both_tails = replace(joint, two_tailed=True)
    of_maps = tuple(name for name in statistics if STATISTICS[name].needs_neighbours)
    parts = [
        PermutationTest("max_t", tuple(name for name in statistics if name not in of_maps), quick),
        PermutationTest("maps", of_maps, slow),
    ]
    if quick == slow:
        parts = [PermutationTest("maps" if of_maps else "max_t", statistics, slow)]
    tests = [
        part if part.plan.exhaustive else replace(part, plan=both_tails) for part in parts if part.statistics
    ]
    claiming = METHODS[inference[0]].statistic
    if claiming is None:
        return tuple(tests)
    primary = claiming.name
    shared = [primary in test.statistics and test.plan == joint for test in tests]
    if not any(shared):
        return (*tests, PermutationTest(CLAIMS, (primary,), joint, joint=True))
    return tuple(replace(test, joint=one) for test, one in zip(tests, shared, strict=True))


def permute(
    maps: Path,
    mask: Path,
    design: WrittenDesign,
    test: PermutationTest,
    piece: Piece,
    heights: Heights,
    out_dir: Path,
    threads: int = 1,
) -> Maxima:
    """Note the maxima of the maps that one piece of a plan rearranges.

    `design` has its contrast towards what is expected where the test looks at one tail.
    """
    model = model_of(np.load(maps, mmap_mode="r"), mask, design, heights.variance_fwhm_mm)
    measurement = measurement_of(test.statistics, mask, design, heights.forming_p)
    found = find_null_maxima(model, test.plan, piece, measurement, threads=threads)
    path = out_dir / "maxima.npz"
    arrays: dict[str, Any] = {str(name): values for name, values in found.maxima.items()}
    np.savez(path, piece=np.array(found.piece), label=np.array(test.label), **arrays)
    return Maxima(path)


def measurement_of(
    statistics: tuple[MaximumOf, ...], mask: Path, design: WrittenDesign, forming_p: float
) -> Measurement:
    """What is measured on each map: statistics with what they need."""
    lattice = make_lattice(read_image(mask).values > 0.5)
    return Measurement(statistics, lattice, design.forming_height(forming_p))


def model_of(maps: FloatArray, mask: Path, design: WrittenDesign, variance_fwhm_mm: float) -> RearrangedModel:
    """T, z of two groups of unequal variance (one ratio for the brain), or pseudo-t where the variance is smoothed."""
    if not variance_fwhm_mm or design.second_group:
        return prepare_model(maps, design.design, one_ratio=True)
    image = read_image(mask)
    x, y, z = image.voxel_mm.tolist()
    return prepare_model(maps, design.design, make_smoother(image.values > 0.5, variance_fwhm_mm, (x, y, z)))


def join_maxima(paths: Sequence[Path], tests: Sequence[PermutationTest]) -> dict[MaximumOf, FloatArray]:
    """Null distribution of each statistic of some tests, (n_rearrangements,); pieces of other tests are passed over."""
    pieces = [_read_maxima(path) for path in paths]
    joined: dict[MaximumOf, FloatArray] = {}
    for test in tests:
        own = [piece for label, piece in pieces if label == test.label]
        joined |= join_pieces(own, test.plan).maxima
    return joined


def _read_maxima(path: Path) -> tuple[str, NullMaxima]:
    """Label of the test, and one piece of it."""
    with np.load(path) as stored:
        maxima: dict[MaximumOf, FloatArray] = {
            name: stored[name] for name in stored.files if name not in ("piece", "label")
        }
        piece = Piece(*map(int, stored["piece"]))
        return str(stored["label"]), NullMaxima(piece, maxima, np.zeros(0, dtype=np.int64))
