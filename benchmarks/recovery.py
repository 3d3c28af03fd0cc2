"""Compare the participant level's regional BP_ND with the truth of a simulated study.

What is comparable: the truth's images `model-truth_meas-BPND` without `space-` show BP_ND as a perfect scanner of the
same resolution sees it, so partial volume is in both. They are averaged in the same regions as the program makes
(atlas within grey matter), made here from the true transforms and the true tissue: a difference is then an
error of registration, segmentation, motion correction, reference region or kinetics.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from morbids.bids.names import output_path, parse_name
from morbids.bids.tables import read_table
from morbids.imaging.atlases import choose_atlas, load_atlas
from morbids.imaging.images import read_image, write_image
from morbids.imaging.regions import PersonTissue, mean_curves, regions_in_pet
from morbids.participant.spaces import REGION_SPACE

ATLAS, MODEL = "AAL", "StepChange2"
GREY = 1
LEAST_VOLUME_ML = 1.0
LEAST_BINDING = 0.2
"""Percent of less binding is noise over nearly nothing (the reference region binds 0); it is the threshold of the
group mask too. What is left out counts in `bp_unbound_median_abs_error`, in units of BP_ND."""
COLUMNS = ["recovered", "true"]
KEYS = ("sub", "task", "trc")


def compare_with_truth(truth: Path, results: Path, work_dir: Path, task: str = "*") -> pd.DataFrame:
    """Tabulate BP_ND of every scan (of one task, where it is named), window and region.

    Returns
    -------
    pandas.DataFrame
        scan, window (`baseline` or `challenge`), name, volume_ml of the true region, true, tissue (binding tissue
        itself, without partial volume, of the whole atlas region) and recovered.
    """
    tables = [_compare_scan(truth, results, source, work_dir) for source in _scans(truth, task)]
    return pd.concat(tables, ignore_index=True)


def accuracy(table: pd.DataFrame) -> dict[str, float]:
    """Summarise `compare_with_truth`: the bound of the study is on `bp_median_abs_error_percent`."""
    large = table[table["volume_ml"] > LEAST_VOLUME_ML]
    binds = large["true"] >= LEAST_BINDING
    used, unbound = large[binds], large[~binds]
    percent = 100 * (used["recovered"] / used["true"] - 1)
    of_tissue = 100 * (used["recovered"] / used["tissue"] - 1)
    figures = {
        "bp_median_abs_error_percent": _median(percent.abs()),
        "bp_p90_abs_error_percent": float(np.nanpercentile(percent.abs(), 90)),
        "bp_median_error_percent": _median(percent),
    }
    for window in ("baseline", "challenge"):
        figures[f"bp_{window}_median_error_percent"] = _median(percent[used["window"] == window])
    figures |= {
        "bp_to_tissue_median_error_percent": _median(of_tissue),
        "bp_unbound_median_abs_error": _median((unbound["recovered"] - unbound["true"]).abs()),
        "bp_values": float(len(used)),
        "bp_missing_values": float(used["recovered"].isna().sum()),
    }
    return figures


def atlas_bias(table: pd.DataFrame) -> dict[str, float]:
    """What `compare_with_truth` says of scans in which nothing happens: median, lowest and highest of the regions.

    Of each region, over 1 mL and binding, the mean over scans of the apparent change beyond the true one,
    percent of the true baseline: a fall is negative.
    """
    windows = table.set_index(["scan", "name"]).groupby("window")
    before, after = (windows.get_group(window) for window in ("baseline", "challenge"))
    used = before[(before["volume_ml"] > LEAST_VOLUME_ML) & (before["true"] >= LEAST_BINDING)]
    change = after.loc[used.index, COLUMNS] - used[COLUMNS]
    percent = 100 * (change["recovered"] - change["true"]) / used["true"]
    regions = percent.groupby("name").mean()
    named = {"median": regions.median(), "lowest": regions.min(), "highest": regions.max()}
    return {f"null_bias_percent_atlas_{name}": float(value) for name, value in named.items()}


def _median(values: "pd.Series[float]") -> float:
    return float(np.nanmedian(values)) if len(values) else float("nan")


def _scans(truth: Path, task: str) -> Iterator[dict[str, str]]:
    """Entities of every scan that the truth describes."""
    for path in sorted(truth.glob(f"sub-*/pet/*_task-{task}_*seg-{ATLAS}_model-truth_kinpar.tsv")):
        entities = parse_name(path).entities
        yield {key: entities[key] for key in KEYS}


def _compare_scan(truth: Path, results: Path, source: Mapping[str, str], work_dir: Path) -> pd.DataFrame:
    """Compare both windows of one scan."""
    folder = work_dir / "-".join(source.values())
    dseg, names = _true_regions(truth, source, folder)
    tissue = read_table(output_path(truth, source, "kinpar", {"seg": ATLAS, "model": "truth"}))
    tissue = tissue.set_index("name")
    windows = {"baseline": "baseline", "challenge": source["task"]}
    tables = []
    for window, name in windows.items():
        seen = mean_curves(_true_map(truth, source, name), dseg, names)
        kinpar = {"seg": ATLAS, "model": MODEL, "desc": name}
        found = read_table(output_path(results, source, "kinpar", kinpar)).set_index("name")["BPND"]
        columns = {
            "scan": "-".join(source.values()),
            "window": window,
            "name": list(seen.names),
            "volume_ml": seen.volume_ml,
            "true": seen.curves[0],
            "tissue": tissue[f"BPND-tissue-{name}"].reindex(seen.names).to_numpy(dtype=float),
            "recovered": found.reindex(seen.names).to_numpy(dtype=float),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def _true_map(truth: Path, source: Mapping[str, str], window: str) -> Path:
    return output_path(truth, source, "parametric_map", {"model": "truth", "meas": "BPND", "desc": window})


def _true_regions(truth: Path, source: Mapping[str, str], folder: Path) -> tuple[Path, Path]:
    """Atlas within grey matter in PET space, as the program makes it, but from true transforms and tissue."""
    participant = {"sub": source["sub"]}
    atlas = load_atlas(choose_atlas(ATLAS), folder.parent / "atlases")
    tissue = read_image(output_path(truth, participant, "dseg"))
    folder.mkdir(parents=True, exist_ok=True)
    grey = write_image((tissue.values == GREY).astype(np.float32), tissue.affine, folder / "grey.nii.gz")
    to_pet = output_path(truth, source, "t1w_to_pet")
    to_t1w = output_path(truth, participant, "template_to_t1w", {"from": REGION_SPACE})
    baseline = _true_map(truth, source, "baseline")
    regions = regions_in_pet(
        atlas.dseg, atlas.table, baseline, (to_t1w, to_pet), folder, PersonTissue(grey, None, (to_pet,))
    )
    return regions.dseg, regions.table
