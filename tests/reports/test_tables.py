"""Tables on disk as tables of a page."""

from pathlib import Path

import pytest

from morbids.errors import MorbidsError
from morbids.reports.pages import Badge, PValue
from morbids.reports.tables import read_table


def test_a_table_on_disk_becomes_a_table_of_the_page(tmp_path: Path) -> None:
    path = tmp_path / "kinpar.tsv"
    path.write_text("name\tBPND\tBPND-se\tn\nPAG\t1.25\tn/a\t-3\n\n", encoding="utf-8")
    assert read_table(path, "c").rows == (("PAG", 1.25, None, -3),)
    statistics = tmp_path / "regions.tsv"
    statistics.write_text("kind\tp_holm\tbp\nindependent\t0.0001\t1\ncircular\tn/a\t2.5\n", encoding="utf-8")
    assert read_table(statistics, "c").rows == (
        ("independent", PValue(0.0001), 1),
        (Badge("flag", "circular"), None, 2.5),
    )
    chosen = read_table(path, "c", {"BPND": "BP_ND", "name": "Region"})
    assert chosen.columns == ("BP_ND", "Region")
    assert chosen.rows == ((1.25, "PAG"),)


def test_a_table_without_the_column_or_heading_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("name\n", encoding="utf-8")
    with pytest.raises(MorbidsError, match=r"x\.tsv has no column R1"):
        read_table(path, "c", {"R1": "R1"})
    path.write_text("", encoding="utf-8")
    with pytest.raises(MorbidsError, match=r"x\.tsv is empty"):
        read_table(path, "c")
