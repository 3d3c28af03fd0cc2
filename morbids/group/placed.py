"""What belongs to some scans only: a rating of one task, a direction that is expected of one challenge."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from morbids.errors import ExitCode, MorbidsError
from morbids.settings import GroupSettings

SIGNS = {"activation": 1, "deactivation": -1}


class Placed(NamedTuple):
    """A word and the scans that it belongs to: a task, session or challenge, or two with a dash; empty for all."""

    word: str
    place: str


def read_placed(text: str) -> Placed:
    """Take `rejection:column` apart; without a colon it belongs to all scans."""
    place, _, word = text.rpartition(":")
    return Placed(word, place)


def trait_columns(settings: GroupSettings) -> tuple[str, ...]:
    """Columns of the traits, each once."""
    return tuple(dict.fromkeys(read_placed(text).word for text in settings.traits))


def traits_of(settings: GroupSettings, places: Collection[str]) -> tuple[str, ...]:
    """Columns of the traits that belong to a kind of row."""
    placed = map(read_placed, settings.traits)
    return tuple(dict.fromkeys(one.word for one in placed if not one.place or one.place in places))


def traits_of_pair(
    settings: GroupSettings, first: Collection[str], second: Collection[str]
) -> tuple[str, ...]:
    """Columns of the traits that belong to the difference between two kinds of row, `acceptance-rejection:column`."""
    columns = []
    for one in map(read_placed, settings.traits):
        left, dash, right = one.place.partition("-")
        if dash and ((left in first and right in second) or (left in second and right in first)):
            columns.append(one.word)
    return tuple(dict.fromkeys(columns))


def expected_sign(settings: GroupSettings, places: Collection[str]) -> int:
    """Sign of the effect that is expected of a kind of row; 0 for either."""
    placed = map(read_placed, settings.expected)
    signs = {SIGNS[one.word] for one in placed if not one.place or one.place in places}
    return signs.pop() if len(signs) == 1 else 0


def check_places(settings: GroupSettings, kinds: Mapping[str, Collection[str]]) -> None:
    """Refuse a place that no scan has, and directions that contradict each other.

    Parameters
    ----------
    kinds
        What each kind of row may be called, by its title.

    Raises
    ------
    MorbidsError
        The option, and what there is.
    """
    known = sorted({place for places in kinds.values() for place in places})
    for option, texts in (("--trait", settings.traits), ("--expect", settings.expected)):
        for text in texts:
            place = read_placed(text).place
            parts = place.split("-") if option == "--trait" else [place]
            if place and (len(parts) > 2 or any(part not in known for part in parts)):
                raise MorbidsError(
                    f"{option} {text}: no scan of the analysis has the task, session or challenge '{place}'.",
                    f"There are {', '.join(known)}.",
                    ExitCode.USAGE,
                )
    for text in settings.expected:
        if read_placed(text).word not in SIGNS:
            raise MorbidsError(
                f"--expect {text}: no direction of that name.",
                f"Write one of {', '.join(SIGNS)}, or TASK:DIRECTION.",
                ExitCode.USAGE,
            )
    for title, places in kinds.items():
        placed = [read_placed(text) for text in settings.expected]
        words = {one.word for one in placed if not one.place or one.place in places}
        if len(words) > 1:
            raise MorbidsError(
                f"--expect names {' and '.join(sorted(words))} for {title}.",
                "One direction can be expected of a kind of scan.",
                ExitCode.USAGE,
            )
