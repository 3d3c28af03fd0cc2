"""Benchmark of real heads: what it does without them, and how rows become figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import heads, heads_atlas
from benchmarks.heads_masks import BAD_DICE, DAMAGES, INTACT, Copy, summarise
from benchmarks.heads_tissue import tissue_dice
from morbids.imaging.brain import BrainQuality

pytestmark = pytest.mark.graph

GOOD = BrainQuality(volume_ml=1400, likeness=0.7, dark_rim=0.2, bright_rim=0.0, cut_cm2=0)


def test_it_skips_aloud_without_heads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert heads.run(False, None) is None
    assert heads.run(True, tmp_path) is None
    assert capsys.readouterr().out.count("SKIPPED") == 2


def test_bad_masks_without_a_flag_are_missed_and_good_ones_with_one_are_false_flags() -> None:
    cases = [
        (INTACT, 0.96, GOOD),
        (INTACT, 0.95, GOOD._replace(likeness=0.1)),
        ("noise", BAD_DICE - 0.01, GOOD),
        ("bias", BAD_DICE - 0.01, GOOD._replace(bright_rim=0.5)),
        ("turned", 0.95, GOOD._replace(bright_rim=0.5)),
    ]
    rows = [
        {"damage": kind, "dice": dice, "correlation": 0.6} | quality._asdict()
        for kind, dice, quality in cases
    ]
    figures = summarise(pd.DataFrame(rows))
    assert (figures["mask_dice_min"], figures["mask_damaged"], figures["mask_damaged_bad"]) == (0.95, 3, 2)
    assert (figures["mask_false_flags"], figures["mask_missed"], figures["mask_damaged_false_flags"]) == (
        1,
        1,
        1,
    )
    assert figures["template_false_flags"] == 0


@pytest.mark.parametrize("kind", list(DAMAGES))
def test_a_damaged_head_keeps_its_brain_where_its_intensities_are(kind: str) -> None:
    """Brighter inside the brain than outside, and of the same volume where nothing is cut or shrunk."""
    index = np.indices((60, 70, 90)) - np.reshape([30, 35, 60], (3, 1, 1, 1))
    distance = np.sqrt((index**2).sum(axis=0))
    brain = distance < 22
    # Darker at the surface, as grey matter is: the median lies above the mean, which standard scores take off.
    values = np.select([distance < 20, brain], [110, 70], 20).astype(np.float32)
    head = Copy(values, brain, np.diag([-2.0, -2.0, 2.0, 1.0]))
    damaged = DAMAGES[kind](head)
    assert damaged.values.shape == damaged.brain.shape
    assert damaged.values.dtype == np.float32
    inside, outside = (np.median(damaged.values[where]) for where in (damaged.brain, ~damaged.brain))
    assert (inside > 1.5 * outside) != (kind == "inverted")
    volume = damaged.brain.sum() * abs(np.linalg.det(damaged.affine[:3, :3]))
    share = volume / (brain.sum() * 8)
    assert share == pytest.approx(
        {"0.8 x size": 0.512, "child": 0.659, "child defaced": 0.659}.get(kind, 1.0),
        abs=0.45 if "cut" in kind else 0.05,
    )
    assert not (kind.startswith("cut") and share > 0.95)


def test_tissues_are_compared_where_the_truth_is_known() -> None:
    true = np.array([1, 1, 2, 3, -1, 0])
    assert tissue_dice(np.array([1, 1, 2, 3, 2, 0]), true) == (1, 1, 1)
    assert tissue_dice(np.array([1, 2, 2, 3, 2, 0]), true) == pytest.approx((2 / 3, 2 / 3, 1))


def test_an_atlas_is_as_good_as_its_worse_amygdala(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads_atlas, "IN_TEMPLATE", tmp_path)
    for name, share in (("one", 4), ("other", 8)):
        np.savez(tmp_path / f"{name}.npz", Amygdala_L=np.arange(8) < share)
    rows = [
        {
            "head": head,
            "atlas": atlas,
            "region": "Amygdala",
            "side": side,
            "deep_dice": dice,
            "shift_mm": 1.0,
            "deep_dice_whole": dice,
            "shift_mm_whole": 0.5,
        }
        for atlas in heads_atlas.ATLASES
        for head in ("one", "other")
        for side, dice in (("L", 0.8), ("R", 0.6))
    ]
    figures = heads_atlas.summarise(pd.DataFrame(rows))
    assert figures["amygdala_dice_min"] == figures["dk_amygdala_dice_min"] == pytest.approx(0.6)
    assert figures["deep_dice_mean"] == pytest.approx(0.7)
    assert (figures["atlas_shift_mm"], figures["atlas_shift_mm_whole"]) == (1.0, 0.5)
    assert figures["deep_dice_ceiling"] == pytest.approx(2 / 3)
    assert figures["atlas_shift_ceiling_mm"] == pytest.approx(2 * (3.5 - 1.5))
