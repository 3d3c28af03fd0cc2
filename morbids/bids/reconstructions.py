"""Reconstructions of one scan are not equal: without attenuation correction, or summed, they give way to the others."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from morbids.bids.filters import Selection
from morbids.bids.scans import FoundScans, PetScan, RejectedScan

_UNCORRECTED = ("none", "no", "nac", "false", "not corrected", "uncorrected", "without", "n/a")


def set_aside(found: FoundScans, selection: Selection) -> FoundScans:
    """Leave out images that differ from another of the same scan in `rec-` only, and are worse.

    Without attenuation correction, binding is wrong by the depth of the tissue; a single frame cannot be fitted
    where all frames are there. A selection that names `rec-` makes the choice instead.
    """
    if "rec" in selection.pet:
        return found
    groups: dict[tuple[tuple[str, str], ...], list[PetScan | RejectedScan]] = {}
    everyone: list[PetScan | RejectedScan] = [*found.scans, *found.rejected]
    for scan in everyone:
        groups.setdefault(tuple(item for item in scan.entities.items() if item[0] != "rec"), []).append(scan)
    left_out = {path: why for group in groups.values() for path, why in _left_out(group)}
    return FoundScans(
        tuple(scan for scan in found.scans if scan.pet not in left_out),
        tuple(scan for scan in found.rejected if scan.pet not in left_out),
        (*found.aside, *left_out.values()),
    )


def _left_out(group: list[PetScan | RejectedScan]) -> list[tuple[Path, str]]:
    corrected = [scan for scan in group if not _is_uncorrected(scan)] or group
    best = [scan for scan in corrected if not _is_static(scan)] or corrected
    sentences = []
    for scan in group:
        if scan not in best:
            fault = "has no attenuation correction" if _is_uncorrected(scan) else "is a single frame"
            told = f"{scan.pet.name} is left out: it {fault}, and {best[0].pet.name} is of the same scan"
            choice = '{"pet": {"reconstruction": ...}} in --bids-filter-file'
            sentences.append((scan.pet, f"{told}; choose with {choice}."))
    return sentences


def _is_uncorrected(scan: PetScan | RejectedScan) -> bool:
    """By the sidecar's word, else by the label, as scanners' consoles write it (`nacdyn`)."""
    told = str(_metadata(scan).get("AttenuationCorrection", "")).strip().lower()
    return told in _UNCORRECTED or scan.entities.get("rec", "").lower().startswith(("nac", "noac"))


def _is_static(scan: PetScan | RejectedScan) -> bool:
    durations = _metadata(scan).get("FrameDuration")
    return isinstance(durations, (int, float)) or (isinstance(durations, list) and len(durations) == 1)


def _metadata(scan: PetScan | RejectedScan) -> Mapping[str, Any]:
    known = scan.scan if isinstance(scan, RejectedScan) else scan
    return known.metadata if known is not None else {}
