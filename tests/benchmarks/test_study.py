"""Effects that are found in the tables of the group level."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.study import effect_figures, null_figures, traits
from morbids.bids.names import difference_label, output_path
from morbids.bids.tables import write_table
from morbids.imaging.atlases import sphere_table
from morbids.imaging.images import write_image
from morbids.simulation.effects import TASKS, built_in_effects

pytestmark = pytest.mark.graph


def _write(results: Path, role: str, task: str, table: pd.DataFrame) -> None:
    contrast = difference_label("baseline", task)
    path = output_path(results, {}, role, {"model": "differences", "contrast": contrast})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(table, path)


def _write_tables(results: Path, *, wrong: str = "", p_holm: float = 0.4) -> None:
    """Tables in which every built-in effect has its sign, but for the one named `wrong`."""
    names = list(sphere_table()["name"])
    for task in TASKS:
        t = dict.fromkeys(names, 0.1)
        r = {(trait, name): 0.0 for trait in traits() for name in names}
        for effect in built_in_effects():
            if effect.task != task:
                continue
            sign = -effect.sign if effect.name == wrong else effect.sign
            for name in names:
                if name == effect.region or name.startswith(f"{effect.region}_"):
                    if effect.kind == "mean":
                        t[name] = 3.0 * sign
                    else:
                        r[effect.trait, name] = 0.5 * sign
        means = {"name": names, "effect": list(t.values()), "t": list(t.values()), "p_holm": p_holm}
        _write(results, "regions", task, pd.DataFrame(means))
        pairs = list(r)
        columns = {"trait": [trait for trait, _ in pairs], "name": [name for _, name in pairs]}
        columns |= {"kind": ["independent region"] * len(pairs)}
        table = pd.DataFrame({**columns, "r": list(r.values()), "p_holm": 0.9})
        # A cluster that the data selected correlates by construction; nothing may take it for a finding.
        circular = table.head(1).assign(kind="circular", r=-9.0, p_holm=1e-6)
        _write(results, "correlations", task, pd.concat([table, circular], ignore_index=True))


def test_every_effect_with_its_sign_is_right(tmp_path: Path) -> None:
    _write_tables(tmp_path)
    figures = effect_figures(tmp_path)
    assert figures["effects_right_sign"] == figures["effects_built_in"] == len(built_in_effects())
    assert figures["t: acceptance: MidlineThalamus deactivation"] == pytest.approx(3.0)


def test_one_effect_with_the_wrong_sign_is_missed(tmp_path: Path) -> None:
    wrong = "rejection: sgACC activation with er89_total"
    _write_tables(tmp_path, wrong=wrong)
    figures = effect_figures(tmp_path)
    assert figures["effects_right_sign"] == figures["effects_built_in"] - 1
    assert figures[f"r: {wrong}"] == pytest.approx(-0.5)


def test_questions_of_a_null_study_that_come_out_significant_are_counted(tmp_path: Path) -> None:
    _write_tables(tmp_path, p_holm=0.01)
    for name, smallest in (("pfweMaxT", 0.03), ("pfweClusterMass", 0.3)):
        contrast = {"model": "differences", "contrast": "baselineMinusRejection", "stat": name}
        values = np.array([[[np.nan, 0.5], [smallest, 1.0]]], dtype=np.float32)
        write_image(values, np.eye(4), output_path(tmp_path, {}, "statistical_map", contrast))
    figures = null_figures(tmp_path)
    assert figures["null_false_effects_in_regions"] == 2
    assert figures["null_false_effects_in_maps"] == 1
    assert figures["null_false_effects"] == 3
    assert figures["null_questions"] == 2 + 2 * len(traits()) + 2
    assert figures["null_smallest_p"] == pytest.approx(0.01)
