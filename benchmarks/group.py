"""Speed and memory of group inference beside nilearn: 18 maps, 230 000 voxels, both on the same machine and threads."""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
from nibabel.nifti1 import Nifti1Image
from nilearn.maskers import NiftiMasker
from nilearn.mass_univariate import permuted_ols
from scipy import ndimage

from morbids.bids.filters import Filters
from morbids.bids.names import difference_label, output_path, sidecar_path
from morbids.bids.writing import write_json
from morbids.group.plan import plan_group
from morbids.group.run import memory_gb
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.clusters import Lattice, find_clusters, make_lattice
from morbids.numerics.statistics.designs import fit_design, one_sample
from morbids.numerics.statistics.influence import measure_influence
from morbids.numerics.statistics.methods import MaximumOf
from morbids.numerics.statistics.permutation import (
    Measurement,
    cluster_threshold,
    corrected_p,
    find_null_maxima,
)
from morbids.numerics.statistics.plan import PermutationPlan, Piece, plan_permutations
from morbids.numerics.statistics.random_field import estimate_smoothness
from morbids.numerics.statistics.rearranged import RearrangedModel, observed_t, prepare_model
from morbids.numerics.statistics.tfce import enhance
from morbids.settings import GroupSettings, Study

N_MAPS = 18
GRID = (91, 109, 91)  # of the 2 mm templates
SEMI_AXES = (34.0, 42.8, 37.8)
N_MANY_MAPS = 1000
# Numbers of maps whose memory is measured, and how many times wider their voxels are.
MANY = {N_MANY_MAPS: 1, 10_000: 2}
THREADS = 2
REPEATS = 5


def run(quick: bool) -> dict[str, float]:
    """Time each part; a quick run does fewer permutations and scales.

    Returns
    -------
    dict
        maxt_nilearn_ratio, tfce_nilearn_ratio: nilearn's time per permutation over ours. exhaustive_18_s: all
        2**17 sign patterns. complete_run_min: t, clusters, max-T and TFCE with 5 000 permutations.
        maps_1000_peak_gb, maps_10000_peak_gb: peak memory of a process that fits and permutes 1 000 maps, and 10 000 of
        an eighth of the voxels: a file larger than what is kept of it. plan_10000_gb: memory that each step on 10 000
        maps declares. plan_1000_s: from 1 000 maps on disk, each with three others beside it and with sidecars, to the
        questions.
    """
    mask = make_brain()
    peak_gb = {f"maps_{n}_peak_gb": measure_peak_memory(n, stride) for n, stride in MANY.items()}
    plan_s = time_planning(mask, 100 if quick else N_MANY_MAPS)
    maps = draw_maps(mask)
    lattice = make_lattice(mask)
    model = prepare_model(maps, one_sample(N_MAPS))
    _warm_up(model, lattice)
    return {
        "n_voxels": float(mask.sum()),
        **compare_max_t(maps, model, 1_000 if quick else 10_000, 50 if quick else 200),
        "exhaustive_18_s": time_exhaustive(model, 2**13 if quick else 2**17),
        **compare_tfce(maps, mask, lattice, model, 1 if quick else 2),
        "complete_run_min": time_complete_run(maps, lattice, 200 if quick else 5_000),
        **peak_gb,
        "plan_10000_gb": memory_gb(max(MANY)),
        "plan_1000_s": plan_s,
    }


def make_brain() -> BoolArray:
    """(91, 109, 91) an ellipsoid of 230 000 voxels."""
    centre = (np.array(GRID) // 2)[:, None, None, None]
    offsets = (np.indices(GRID) - centre) / np.array(SEMI_AXES)[:, None, None, None]
    return np.asarray((offsets**2).sum(axis=0) < 1)


def draw_maps(mask: BoolArray) -> FloatArray:
    """(18, n_voxels) float32 smooth noise of 8 mm width, as read from NIfTI files."""
    rng = np.random.default_rng(1)
    noise = [ndimage.gaussian_filter(rng.standard_normal(GRID), 1.7)[mask] for _ in range(N_MAPS)]
    return np.stack(noise).astype(np.float32)


def compare_max_t(
    maps: FloatArray, model: RearrangedModel, n_permutations: int, n_nilearn: int
) -> dict[str, float]:
    """Time max-T per permutation, ours and nilearn's."""
    plan = plan_permutations(N_MAPS, "signs", n_permutations // REPEATS, seed=1)

    def mine() -> float:
        return (
            _time(lambda: find_null_maxima(model, plan, plan.pieces(1)[0], Measurement()))
            / plan.n_rearrangements
        )

    return _side_by_side("maxt", mine, lambda: _time_nilearn(maps, n_nilearn // REPEATS, 10))


def time_exhaustive(model: RearrangedModel, n_patterns: int) -> float:
    """Seconds for all sign patterns of 18 maps, from the first n_patterns of them."""
    plan = plan_permutations(N_MAPS, "signs", 2**17, seed=1)
    seconds = _time(lambda: find_null_maxima(model, plan, Piece(1, n_patterns), Measurement()))
    return seconds * 2**17 / n_patterns


def compare_tfce(
    maps: FloatArray, mask: BoolArray, lattice: Lattice, model: RearrangedModel, n_nilearn: int
) -> dict[str, float]:
    """Time a permutation with TFCE of both tails on one thread, ours and nilearn's."""
    plan = plan_permutations(N_MAPS, "signs", 48, seed=1)
    measurement = Measurement(("t", "tfce"), lattice)
    masker = NiftiMasker(Nifti1Image(mask.astype(np.uint8), np.diag([2.0, 2.0, 2.0, 1.0]))).fit()

    def mine() -> float:
        return _time(lambda: find_null_maxima(model, plan, plan.pieces(1)[0], measurement)) / 48

    return _side_by_side("tfce", mine, lambda: _time_nilearn(maps, n_nilearn, 1, masker))


def _side_by_side(name: str, mine: Callable[[], float], nilearn: Callable[[], float]) -> dict[str, float]:
    """Medians of seconds per permutation, taken in turns, since machines are shared; nilearn's over ours."""
    ours, theirs = np.median([(mine(), nilearn()) for _ in range(REPEATS)], axis=0)
    return {
        f"{name}_s_per_permutation": float(ours),
        f"{name}_nilearn_s_per_permutation": float(theirs),
        f"{name}_nilearn_ratio": float(theirs / ours),
    }


def _time_nilearn(maps: FloatArray, n_perm: int, n_before: int, masker: NiftiMasker | None = None) -> float:
    """Seconds of nilearn per permutation: the difference of two runs, without its preparation."""
    short = _time(lambda: _permute_with_nilearn(maps, n_before, masker))
    return (_time(lambda: _permute_with_nilearn(maps, n_before + n_perm, masker)) - short) / n_perm


def time_complete_run(maps: FloatArray, lattice: Lattice, n_permutations: int) -> float:
    """Minutes for one contrast from maps to corrected p of voxels, clusters and TFCE; 5 000 permutations."""
    plan = plan_permutations(N_MAPS, "signs", n_permutations, seed=1)
    seconds = _time(lambda: _analyse(maps, lattice, plan))
    return seconds * 5_000 / n_permutations / 60


def time_planning(mask: BoolArray, n_maps: int) -> float:
    """Seconds to plan the group level on 1 000 maps of one participant each, from the first n_maps of them."""
    with tempfile.TemporaryDirectory() as folder:
        output_dir = Path(folder) / "out"
        image = Path(folder) / "map.nii.gz"
        noise = np.random.default_rng(3).standard_normal(GRID)
        volume = np.where(mask, noise, np.nan).astype(np.float32)
        Nifti1Image(volume, np.diag([2.0, 2.0, 2.0, 1.0])).to_filename(image)
        for number in range(n_maps):
            _leave_maps(output_dir, f"{number:04d}", image)
        study = Study(Path(folder) / "raw", output_dir, Filters(), "")
        return _time(lambda: plan_group(study, GroupSettings())) * N_MANY_MAPS / n_maps


def _leave_maps(output_dir: Path, participant: str, image: Path) -> None:
    """Two windows, their difference and the same in percent, as one scan leaves them; all are one file."""
    sidecar = {"ModelName": "LoganRef", "ReferenceRegion": "occipital", "TracerName": "carfentanil"}
    where = {"space": "MNI152NLin2009cAsym", "res": "2", "model": "LoganRef", "meas": "BPND"}
    labels = (difference_label("baseline", "drug", percent=percent) for percent in (False, True))
    for desc in ("baseline", "drug", *labels):
        path = output_path(output_dir, {"sub": participant}, "parametric_map", where | {"desc": desc})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(image)
        write_json(sidecar_path(path), sidecar)


def measure_peak_memory(n_maps: int, stride: int) -> float:
    """Peak memory in GB of a fresh process that analyses maps in a file, of every stride-th voxel along each axis."""
    n_voxels = int(coarse_brain(stride).sum())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "maps.npy"
        rng = np.random.default_rng(2)
        with path.open("wb") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": (n_maps, n_voxels)}
            np.lib.format.write_array_header_1_0(file, header)
            for _ in range(n_maps):
                file.write(rng.standard_normal(n_voxels, dtype=np.float32).tobytes())
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(_analyse_file, (path, stride))


def coarse_brain(stride: int) -> BoolArray:
    """The ellipsoid on a coarser grid."""
    return make_brain()[::stride, ::stride, ::stride]


def _analyse_file(path: Path, stride: int) -> float:
    maps, mask = np.load(path, mmap_mode="r"), coarse_brain(stride)
    plan = plan_permutations(len(maps), "signs", 48, seed=1)
    _analyse(maps, make_lattice(mask), plan)
    design = one_sample(len(maps))
    estimate_smoothness(maps, design.matrix, mask)
    measure_influence(maps, design)
    # VmHWM is the high-water mark of this process alone, in kB.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024**2


def _analyse(maps: FloatArray, lattice: Lattice, plan: PermutationPlan) -> None:
    n_maps = len(maps)
    design = one_sample(n_maps)
    fit = fit_design(maps, design)
    threshold_t = cluster_threshold(0.001, n_maps - 1)
    clusters = find_clusters(np.nan_to_num(fit.t), lattice, threshold_t)
    model = prepare_model(maps, design)
    statistics: tuple[MaximumOf, ...] = get_args(MaximumOf)
    measurement = Measurement(statistics, lattice, threshold_t)
    null = find_null_maxima(model, plan, plan.pieces(1)[0], measurement, threads=THREADS)
    t = observed_t(model)
    corrected_p(t, null.maxima["t"])
    corrected_p(enhance(t, lattice), null.maxima["tfce"])
    corrected_p(clusters.extent, null.maxima["cluster_extent"])
    corrected_p(clusters.mass, null.maxima["cluster_mass"])


def _permute_with_nilearn(maps: FloatArray, n_perm: int, masker: NiftiMasker | None = None) -> dict[str, Any]:
    found: dict[str, Any] = permuted_ols(
        np.ones((N_MAPS, 1)),
        maps,
        model_intercept=False,
        n_perm=n_perm,
        random_state=1,
        masker=masker,
        tfce=masker is not None,
    )
    return found


def _warm_up(model: RearrangedModel, lattice: Lattice) -> None:
    """Compile the loops before anything is timed."""
    plan = plan_permutations(N_MAPS, "signs", 1, seed=1)
    statistics: tuple[MaximumOf, ...] = get_args(MaximumOf)
    find_null_maxima(model, plan, plan.pieces(1)[0], Measurement(statistics, lattice, 4.0))


def _time(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start
