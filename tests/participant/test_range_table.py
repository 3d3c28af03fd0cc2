"""What the page says of a region: whether the protocol alone, or its noise, could read the same."""

from pathlib import Path

import pytest

from morbids.participant.range_table import SHOWN, report_ranges
from morbids.reports.pages import Folded, Table, Text


def write(tmp_path: Path, change: float, null: tuple[float, float], full: tuple[float, float]) -> Path:
    told = dict.fromkeys(SHOWN, "0.1") | {
        "name": "Ventral_Striatum",
        "contrast": "baseline minus rejection",
        "change_percent": f"{change}",
        "null_low_percent": f"{null[0]}",
        "null_high_percent": f"{null[1]}",
        "full_low_percent": f"{full[0]}",
        "full_high_percent": f"{full[1]}",
    }
    path = tmp_path / "ranges.tsv"
    path.write_text("\t".join(told) + "\n" + "\t".join(told.values()) + "\n")
    return path


@pytest.mark.parametrize(
    ("change", "null", "full", "said"),
    [
        (12.0, (-3, 2), (4, 20), "Ventral Striatum: BP_ND fell by 12.0 %"),
        (12.0, (-3, 2), (4, 20), "true change between +4.0 and +20.0 %: a change even at worst."),
        (-12.0, (-3, 2), (-20, -4), "BP_ND rose by 12.0 %"),
        (1.0, (-3, 2), (-9, 11), "reads -3.0 to +2.0 %: no release is needed to explain it."),
        (5.0, (-3, 2), (-4, 14), "more than the protocol, not more than its noise."),
    ],
)
def test_each_region_has_its_sentence(
    tmp_path: Path, change: float, null: tuple[float, float], full: tuple[float, float], said: str
) -> None:
    whole, folded, table = report_ranges(write(tmp_path, change, null, full))
    assert isinstance(whole, Text)
    assert isinstance(folded, Folded)
    assert isinstance(table, Table)
    (text,) = folded.blocks
    assert isinstance(text, Text)
    assert said in text.paragraphs[0]
