"""Test one comparison: statistics, permutations in independent pieces, corrected p, clusters with names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import write_table
from morbids.imaging.images import Image, read_image
from morbids.imaging.naming import AtlasNames, read_names
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.clusters import Clusters, Lattice, find_clusters, make_lattice
from morbids.numerics.statistics.designs import fit_design
from morbids.numerics.statistics.permutation import (
    MaximumOf,
    Measurement,
    NullMaxima,
    cluster_threshold,
    corrected_p,
    critical_value,
    find_null_maxima,
    join_pieces,
)
from morbids.numerics.statistics.plan import PermutationPlan, Piece, plan_design
from morbids.numerics.statistics.rearranged import prepare_model
from morbids.numerics.statistics.tfce import enhance
from morbids.settings import Inference
from morbids.workflows.group_plan import Comparison
from morbids.workflows.steps.maps import write_map

ALPHA = 0.05
# Clusters below this are named in no table: half a resolution element of a PET group map.
SMALLEST_CLUSTER_MM3 = 80.0
# Each method's statistic, and the `stat-` of its map of corrected p.
MAXIMA: Mapping[Inference, MaximumOf] = {
    "max-t": "t",
    "cluster-extent": "cluster_extent",
    "cluster-mass": "cluster_mass",
    "tfce": "tfce",
}
CORRECTED: Mapping[MaximumOf, str] = {
    "t": "pfweMaxT",
    "cluster_extent": "pfweClusterExtent",
    "cluster_mass": "pfweClusterMass",
    "tfce": "pfweTfce",
}


class Permuted(NamedTuple):
    """The maxima of one piece, `.npz`."""

    maxima: Path


class Tested(NamedTuple):
    """Results of a comparison.

    Attributes
    ----------
    maps
        `effect`, `variance`, `t`, `z`, `p`, `g`, and `pfwe...` per corrected method.
    clusters
        A row per peak.
    summary
        Thresholds, counts and degrees of freedom.
    """

    maps: dict[str, Path]
    clusters: Path
    summary: dict[str, Any]


def plan_of(comparison: Comparison, n_permutations: int, seed: int) -> PermutationPlan:
    """Which rearrangements a comparison makes."""
    return plan_design(comparison.design, n_permutations, seed=seed)


def permute(
    maps: Path,
    mask: Path,
    comparison: Comparison,
    plan: PermutationPlan,
    piece: Piece,
    inference: Sequence[Inference],
    cluster_forming_p: float,
    out_dir: Path,
    threads: int = 1,
) -> Permuted:
    """Note the maxima of the maps that one piece of the plan rearranges."""
    model = prepare_model(np.load(maps, mmap_mode="r"), comparison.design)
    statistics = tuple(MAXIMA[name] for name in inference)
    if set(statistics) == {"t"}:
        measurement = Measurement(statistics)
    else:
        lattice = make_lattice(read_image(mask).values > 0.5)
        measurement = Measurement(statistics, lattice, cluster_threshold(cluster_forming_p, _df(comparison)))
    found = find_null_maxima(model, plan, Piece(*piece), measurement, threads=threads)
    path = out_dir / "maxima.npz"
    arrays: dict[str, Any] = {str(name): values for name, values in found.maxima.items()}
    np.savez(path, piece=np.array(found.piece), **arrays)
    return Permuted(path)


def infer(
    maps: Path,
    mask: Path,
    maxima: Sequence[Path],
    comparison: Comparison,
    plan: PermutationPlan,
    cluster_forming_p: float,
    aal: Path,
    aal_table: Path,
    harvard_oxford: Path,
    harvard_oxford_table: Path,
    out_dir: Path,
) -> Tested:
    """Fit every voxel, correct p by the permutations' maxima, and name clusters and peaks."""
    image = read_image(mask)
    lattice = make_lattice(image.values > 0.5)
    fit = fit_design(np.load(maps, mmap_mode="r"), comparison.design)
    null = join_pieces([_read_maxima(path) for path in maxima], plan).maxima
    threshold = cluster_threshold(cluster_forming_p, _df(comparison))
    clusters = find_clusters(
        fit.t,
        lattice,
        threshold,
        min_extent=max(1, round(SMALLEST_CLUSTER_MM3 / (1000 * image.voxel_ml))),
        voxel_size_mm=tuple(image.voxel_mm.tolist()),
    )
    values = {
        "effect": fit.effect,
        "variance": fit.variance,
        "t": fit.t,
        "z": fit.z,
        "p": fit.p,
        "g": fit.hedges_g,
        **_corrected_maps(fit.t, lattice, clusters, null),
    }
    names = {
        "AAL": read_names(aal, aal_table),
        "HarvardOxford": read_names(harvard_oxford, harvard_oxford_table),
    }
    table = _cluster_table(clusters, image, lattice.voxels, null, names)
    write_table(table, out_dir / "clusters.tsv")
    paths = {name: write_map(numbers, image, out_dir / f"{name}.nii.gz") for name, numbers in values.items()}
    summary = {
        "NumberOfMaps": len(comparison.maps),
        "NumberOfVoxels": len(fit.t),
        "DegreesOfFreedom": _df(comparison),
        "ClusterFormingT": threshold,
        "CriticalT": critical_value(null["t"], ALPHA) if "t" in null else None,
        "NumberOfRearrangements": plan.n_rearrangements,
        "Exhaustive": plan.exhaustive,
        "SmallestP": plan.smallest_p,
    }
    return Tested(paths, out_dir / "clusters.tsv", summary)


def _df(comparison: Comparison) -> int:
    design = comparison.design
    return int(design.matrix.shape[0] - design.matrix.shape[1])


def _read_maxima(path: Path) -> NullMaxima:
    with np.load(path) as stored:
        maxima: dict[MaximumOf, FloatArray] = {
            name: stored[name] for name in MAXIMA.values() if name in stored
        }
        return NullMaxima(Piece(*map(int, stored["piece"])), maxima, np.zeros(0, dtype=np.int64))


def _corrected_maps(
    t: FloatArray, lattice: Lattice, clusters: Clusters, null: Mapping[MaximumOf, FloatArray]
) -> dict[str, FloatArray]:
    """Family-wise corrected p per method; 1 outside clusters where a method judges clusters."""
    corrected: dict[str, FloatArray] = {}
    if "t" in null:
        corrected[CORRECTED["t"]] = corrected_p(t, null["t"])
    if "tfce" in null:
        corrected[CORRECTED["tfce"]] = corrected_p(enhance(t, lattice), null["tfce"])
    for name, values in _sizes(clusters).items():
        if name in null:
            by_cluster = np.concatenate([[1.0], corrected_p(values, null[name])])
            corrected[CORRECTED[name]] = by_cluster[clusters.labels]
    return corrected


def _sizes(clusters: Clusters) -> dict[MaximumOf, FloatArray]:
    return {"cluster_extent": clusters.extent.astype(float), "cluster_mass": clusters.mass}


def _cluster_table(
    clusters: Clusters,
    image: Image,
    voxels: IntArray,
    null: Mapping[MaximumOf, FloatArray],
    names: Mapping[str, AtlasNames],
) -> pd.DataFrame:
    """A row per peak, the cluster's own numbers in its first."""
    rows = []
    for place, cluster in enumerate(clusters.peak_cluster):
        x, y, z = image.affine[:3, :3] @ voxels[clusters.peak_voxel[place]] + image.affine[:3, 3]
        first = place == 0 or clusters.peak_cluster[place - 1] != cluster
        row: dict[str, Any] = {
            "cluster": int(cluster),
            "direction": "activation" if clusters.sign[cluster - 1] > 0 else "deactivation",
            "extent_mm3": float(clusters.extent[cluster - 1] * 1000 * image.voxel_ml) if first else None,
            "x_mm": float(x),
            "y_mm": float(y),
            "z_mm": float(z),
            "t": float(clusters.peak_value[place]),
        }
        if "t" in null:
            row["p_fwe_peak"] = float(corrected_p(np.array(row["t"]), null["t"]))
        for name, values in _sizes(clusters).items():
            if name in null:
                p = corrected_p(values[cluster - 1], null[name])
                row[f"p_fwe_{name.removeprefix('cluster_')}"] = float(p) if first else None
        rows.append(row | {atlas: known.at(np.array([x, y, z])) for atlas, known in names.items()})
    columns = ["cluster", "direction", "extent_mm3", "x_mm", "y_mm", "z_mm", "t"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*columns, *names])
