"""Traits beside the rows of an analysis."""

from pathlib import Path

import pandas as pd
import pytest

from morbids.bids.traits import TraitTables, join_traits, numeric_trait, read_trait_table, read_traits, trait
from morbids.errors import MorbidsError
from tests.bids.conftest import DatasetMaker

ROWS = pd.DataFrame(
    {
        "participant_id": ["sub-01", "sub-01", "sub-02"],
        "session_id": ["ses-a", "ses-b", "ses-a"],
        "task": ["rejection", "acceptance", "rejection"],
        "run": ["001", "002", "001"],
    }
)


def test_each_table_joins_by_its_own_keys(dataset: DatasetMaker) -> None:
    dataset.text("participants.tsv", "participant_id\tage\nsub-01\t30\nsub-02\tn/a\nsub-03\t50\n")
    dataset.text("sub-01/sub-01_sessions.tsv", "session_id\tweight\nses-a\t70\nses-b\t71\n")
    dataset.text("sub-02/sub-02_sessions.tsv", "session_id\tweight\nses-a\t80\n")
    dataset.text(
        "phenotype/mood.tsv",
        "participant_id\ttask\trun\taffect\n01\trejection\t1\t-2\n01\ttask-acceptance\trun-02\t3\n02\trejection\t1\t-1\n",
    )
    traits = join_traits(ROWS, read_traits(dataset.root))
    assert numeric_trait(traits, "age").tolist()[:2] == [30, 30]
    assert numeric_trait(traits, "age").isna().tolist() == [False, False, True]
    assert numeric_trait(traits, "weight").tolist() == [70, 71, 80]
    assert numeric_trait(traits, "affect").tolist() == [-2, 3, -1]
    assert traits.sources["affect"] == dataset.root / "phenotype" / "mood.tsv"
    assert traits.table["run"].tolist() == ROWS["run"].tolist()


def test_labels_that_look_like_numbers_join(dataset: DatasetMaker) -> None:
    rows = pd.DataFrame({"participant_id": ["sub-01", "sub-02"], "task": ["1", "2"]})
    table = "participant_id\ttask\tscore\nsub-01\t1\t5\nsub-02\t2\t6\nsub-03\tn/a\t7\n"
    path = dataset.text("phenotype/score.tsv", table)
    assert numeric_trait(join_traits(rows, TraitTables((read_trait_table(path),))), "score").tolist() == [
        5,
        6,
    ]


def test_columns_of_one_name_carry_their_file(dataset: DatasetMaker) -> None:
    dataset.text("phenotype/er89.tsv", "participant_id\tscore\nsub-01\t40\nsub-02\t50\n")
    dataset.text("phenotype/bdi.tsv", "participant_id\tscore\nsub-01\t4\nsub-02\t5\n")
    traits = join_traits(ROWS, read_traits(dataset.root))
    assert numeric_trait(traits, "er89.score").tolist() == [40, 40, 50]
    with pytest.raises(
        MorbidsError, match=r"exactly one column 'score'. Did you mean bdi.score or er89.score"
    ):
        trait(traits, "score")


def test_a_dataset_without_tables_has_no_traits(dataset: DatasetMaker) -> None:
    traits = join_traits(ROWS, read_traits(dataset.root))
    with pytest.raises(MorbidsError, match=r"No table of the dataset has a column 'age'. There are none"):
        trait(traits, "age")


def test_a_misspelt_trait_is_answered_with_the_near_one(dataset: DatasetMaker) -> None:
    dataset.text("participants.tsv", "participant_id\tresiliency\nsub-01\t30\nsub-02\t40\n")
    with pytest.raises(MorbidsError, match=r"has a column 'reslncy'. Did you mean resiliency"):
        trait(join_traits(ROWS, read_traits(dataset.root)), "reslncy")


def test_text_is_no_regressor(dataset: DatasetMaker) -> None:
    dataset.text("participants.tsv", "participant_id\tage\nsub-01\t89+\nsub-02\t40\n")
    traits = join_traits(ROWS, read_traits(dataset.root))
    assert trait(traits, "age").tolist() == ["89+", "89+", "40"]
    with pytest.raises(MorbidsError, match=r"participants.tsv: column 'age' holds '89\+'"):
        numeric_trait(traits, "age")


def test_public_participants_with_units_in_a_column(shared_data: Path) -> None:
    dataset = shared_data / "bids-examples" / "petprep"
    rows = pd.DataFrame({"participant_id": ["sub-01", "sub-sf02"]})
    traits = join_traits(rows, read_traits(dataset))
    assert numeric_trait(traits, "age").tolist() == [24, 38]
    with pytest.raises(MorbidsError, match=r"participants.tsv: column 'weight' holds '77.5kg'"):
        numeric_trait(traits, "weight")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "participant_id,age\nsub-01,3\n",
            r"table.tsv is separated by commas: its first line is 'participant_id,age'",
        ),
        ("participant_id;age\nsub-01;3\n", r"table.tsv is separated by semicolons"),
        ("subject\tage\nsub-01\t3\n", r"table.tsv has no column 'participant_id'; it has subject, age"),
        ("participant_id\tage\nsub-01\t3\nn/a\t4\n", r"table.tsv: line 3 has no participant_id"),
        ("participant_id\tage\nsub-01\t3\n01\t4\n", r"table.tsv has two rows of participant_id sub-01"),
        ("participant_id\tage\tage\nsub-01\t3\t4\n", r"table.tsv has two columns 'age'"),
    ],
)
def test_tables_without_keys_are_refused(dataset: DatasetMaker, content: str, message: str) -> None:
    with pytest.raises(MorbidsError, match=message):
        read_trait_table(dataset.text("phenotype/table.tsv", content))


def test_a_session_key_may_be_idle_but_not_ambiguous(dataset: DatasetMaker) -> None:
    rows = ROWS[["participant_id", "task"]]
    table = "participant_id\tsession_id\tscore\nsub-01\tses-a\t1\nsub-02\tses-a\t2\n"
    path = dataset.text("phenotype/score.tsv", table)
    assert numeric_trait(join_traits(rows, TraitTables((read_trait_table(path),))), "score").tolist() == [
        1,
        1,
        2,
    ]
    path.write_text(table + "sub-02\tses-b\t3\n")
    with pytest.raises(
        MorbidsError, match=r"score.tsv has several rows per participant_id, told apart by session_id"
    ):
        join_traits(rows, TraitTables((read_trait_table(path),)))


def test_ids_that_are_written_otherwise_are_a_mismatch(dataset: DatasetMaker) -> None:
    dataset.text("participants.tsv", "participant_id\tage\n1\t30\n2\t40\n")
    with pytest.raises(
        MorbidsError, match=r"names 'sub-1' where the maps are of 'sub-01', and 1 more alike"
    ) as error:
        join_traits(ROWS, read_traits(dataset.root))
    assert "as they stand in the names of the files" in error.value.hint


def test_a_table_of_other_people_is_refused(dataset: DatasetMaker) -> None:
    dataset.text("participants.tsv", "participant_id\tage\nsub-101\t30\nsub-102\t40\n")
    with pytest.raises(
        MorbidsError, match=r"names none of the participants of the maps: it has sub-101, sub-102"
    ):
        join_traits(ROWS, read_traits(dataset.root))


def test_spaces_make_no_other_value_and_a_table_without_rows_says_so(dataset: DatasetMaker) -> None:
    dataset.text("participants.tsv", "participant_id\tsex\tage\nsub-01\t F\t30 \nsub-02\tF \t 40\n")
    joined = join_traits(ROWS, read_traits(dataset.root))
    assert set(trait(joined, "sex")) == {"F"}
    assert numeric_trait(joined, "age").tolist() == [30, 30, 40]
    dataset.text("participants.tsv", "participant_id\tage\n")
    with pytest.raises(MorbidsError, match=r"participants.tsv has no rows below the names of its columns"):
        join_traits(ROWS, read_traits(dataset.root))


def test_only_tables_with_a_wanted_column_are_read(dataset: DatasetMaker) -> None:
    dataset.text("participants.tsv", "participant_id\tage\nsub-01\t30\nsub-02\t40\n")
    dataset.text("phenotype/er89.tsv", "participant_id\tscore\nsub-01\t40\nsub-01\t50\n")
    dataset.text("phenotype/bdi.tsv", "participant_id\tscore\nsub-01\t4\nsub-02\t5\n")
    (dataset.root / "phenotype" / "latin.tsv").write_bytes(b"participant_id\tgr\xf6sse\n")
    traits = join_traits(ROWS, read_traits(dataset.root, ("age", "bdi.score")))
    assert numeric_trait(traits, "age").tolist() == [30, 30, 40]
    assert numeric_trait(traits, "bdi.score").tolist() == [4, 4, 5]
    with pytest.raises(MorbidsError, match=r"Did you mean score or bdi.score\? Not readable: .*latin"):
        trait(traits, "scor")
    with pytest.raises(MorbidsError, match=r"er89.tsv has two rows"):
        read_traits(dataset.root, ("er*",))
    (dataset.root / "phenotype" / "annexed.tsv").symlink_to("absent")
    assert "not on this machine" in read_traits(dataset.root, ("age",)).unreadable[0]
