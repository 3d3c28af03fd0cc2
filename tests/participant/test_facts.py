"""Sidecars' own fields: what a saver writes is what a reader gets, and older sidecars are told of."""

import json
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morbids.errors import MorbidsError
from morbids.participant import facts
from morbids.participant.facts import (
    BrainFacts,
    ReferenceNoiseFacts,
    ReferenceVerdictFacts,
    RegistrationFacts,
    keys_of,
    parse_facts,
)

PATH = Path("sub-01_desc-x.json")
KINDS = [kind for kind in vars(facts).values() if isinstance(kind, type) and hasattr(kind, "_fields")]
REGISTRATION: dict[str, Any] = {
    "NormalizedMutualInformation": 1.2,
    "Overlap": 0.9,
    "Contrast": 4.0,
    "Agreement": 0.9,
    "ReferenceFrames": "early",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_key_of_its_own(kind: type[NamedTuple]) -> None:
    keys = keys_of(kind)
    assert tuple(keys) == kind._fields
    assert len(set(keys.values())) == len(keys)


def test_types_that_share_a_sidecar_do_not_share_a_field() -> None:
    both = keys_of(ReferenceVerdictFacts, ReferenceNoiseFacts)
    assert set(both) == {*ReferenceVerdictFacts._fields, *ReferenceNoiseFacts._fields}
    assert len(set(both.values())) == len(both)


@pytest.mark.parametrize(
    ("written", "read"),
    [("", ()), ("Dark.", ("Dark.",)), (["Dark.", "Small."], ("Dark.", "Small.")), ([], ())],
)
def test_a_step_may_have_one_concern_or_several(written: object, read: tuple[str, ...]) -> None:
    assert parse_facts(BrainFacts, {"Concern": written}, PATH).concern == read
    assert parse_facts(BrainFacts, {}, PATH).concern == ()


@pytest.mark.parametrize("concern", [(), ("Dark.",), ("Dark “rim”.", "Two\nlines.")])
@pytest.mark.parametrize("score", [0.0, -1e-300, 1 / 3, float("inf")])
def test_what_is_written_is_read(score: float, concern: tuple[str, ...]) -> None:
    told = RegistrationFacts(score, 0.5, 4.0, 0.9, "early", concern)
    sidecar = {key: getattr(told, name) for name, key in keys_of(RegistrationFacts).items()}
    assert parse_facts(RegistrationFacts, json.loads(json.dumps(sidecar)), PATH) == told


def test_a_number_may_be_unknown_where_the_type_says_so() -> None:
    sidecar = {"LowestLateRatio": None, "LowestDrift": None}
    assert parse_facts(ReferenceVerdictFacts, sidecar, PATH) == ReferenceVerdictFacts(None, None)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"Agreement": ...},
            r"sub-01_desc-x\.json has no field 'Agreement'\. Another version .* remove the file",
        ),
        ({"Agreement": None}, r"The field 'Agreement' of sub-01_desc-x\.json is None\. Another version"),
        ({"Agreement": "0.9"}, r"The field 'Agreement' of sub-01_desc-x\.json is '0\.9'\."),
        ({"Agreement": True}, r"The field 'Agreement' of sub-01_desc-x\.json is True\."),
        ({"ReferenceFrames": 3}, r"The field 'ReferenceFrames' of sub-01_desc-x\.json is 3\."),
        ({"Concern": 3}, r"The field 'Concern' of sub-01_desc-x\.json is 3\."),
    ],
)
def test_a_sidecar_of_another_version_is_told_of(change: dict[str, Any], sentence: str) -> None:
    sidecar = {key: value for key, value in {**REGISTRATION, **change}.items() if value is not ...}
    with pytest.raises(MorbidsError, match=sentence):
        parse_facts(RegistrationFacts, sidecar, PATH)


VALUES: dict[Any, st.SearchStrategy[Any]] = {
    tuple[str, ...]: st.lists(st.text(min_size=1, max_size=9), max_size=3).map(tuple),
    str: st.text(max_size=9),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    float | None: st.none() | st.floats(allow_nan=False),
}


def any_facts(kind: type[NamedTuple]) -> st.SearchStrategy[NamedTuple]:
    return st.builds(kind, **{name: VALUES[hint] for name, hint in get_type_hints(kind).items()})


@given(st.one_of([any_facts(kind) for kind in KINDS]))
def test_any_facts_come_back_from_a_sidecar(facts: NamedTuple) -> None:
    keys = keys_of(type(facts))
    sidecar = json.loads(json.dumps({keys[name]: value for name, value in facts._asdict().items()}))
    assert parse_facts(type(facts), sidecar, PATH) == facts
