"""Works are numbered as they are cited, listed once, and known to the BibTeX file."""

import re
from pathlib import Path

import pytest

from morbids.reports import boilerplate
from morbids.reports.bibliography import as_bibtex, citation, number_citations, read_references


def test_works_are_numbered_in_the_order_of_the_text_and_listed_once() -> None:
    cited = number_citations(("First [@Logan1996; @Innis2007].", "Again [@Innis2007], then [@Holm1979]."))
    assert cited.paragraphs == ("First [1, 2].", "Again [2], then [3].")
    assert [work.key for work in cited.references] == ["Logan1996", "Innis2007", "Holm1979"]
    assert cited.references[0].text == (
        "Logan J, Fowler JS, Volkow ND, et al. (1996). Distribution volume ratios without blood sampling from "
        "graphical analysis of PET data. Journal of Cerebral Blood Flow and Metabolism 16:834–840."
    )
    assert cited.references[0].doi == "10.1097/00004647-199609000-00008"
    assert cited.references[2].doi == ""
    assert as_bibtex(cited.references).count("@article{") == 3
    assert as_bibtex(cited.references).startswith("@article{Holm1979,\n  author = {Holm, S.},")


def test_text_without_citations_stays_as_it_is() -> None:
    assert number_citations(("Plain [1].",)) == (("Plain [1].",), ())
    assert citation(()) == ""


def test_a_work_that_is_not_listed_is_an_error() -> None:
    with pytest.raises(KeyError, match="Nobody1900"):
        number_citations(("As said [@Nobody1900].",))


def test_every_entry_of_the_file_is_read_whole() -> None:
    text = Path(boilerplate.__file__).parents[1].joinpath("data/references.bib").read_text("utf-8")
    assert as_bibtex(read_references().values()).replace("\n\n", "\n") == text.replace("\n\n", "\n")
    for key, work in read_references().items():
        assert re.fullmatch(r"[A-Z][A-Za-z]+(19|20)\d\d", key)
        assert f"({key[-4:]})" in work.text
        assert work.text.startswith(key[:-4])


def test_every_work_that_methods_texts_cite_is_in_the_file() -> None:
    source = Path(boilerplate.__file__).read_text("utf-8")
    keys = set(re.findall(r"[\"@]([A-Z][A-Za-z]+(?:19|20)\d\d)\b", source))
    assert len(keys) > 20
    assert keys <= set(read_references())
