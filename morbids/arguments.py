"""What an option of a command line is, and how its text is read: every number is refused with the same words."""

import argparse
import difflib
import logging
import math
import sys
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple, NoReturn, TypeVar

from morbids.errors import ExitCode, MorbidsError

Value = TypeVar("Value")


def number(
    least: float = -math.inf, most: float = math.inf, *, above: bool = False, below: bool = False
) -> Callable[[str], float]:
    """Reader of finite numbers from `least` to `most`; `above` and `below` leave the ends themselves out."""
    ends = {
        (True, True): f"a number between {least:g} and {most:g}",
        (True, False): f"a number of at least {least:g}",
        (False, True): f"a number of at most {most:g}",
        (False, False): "a number",
    }
    expected = ends[least > -math.inf, most < math.inf]

    def read(text: str) -> float:
        value = _plain_number(text)
        inside = (least < value if above else least <= value) and (value < most if below else value <= most)
        if not (inside and math.isfinite(value)):
            raise argparse.ArgumentTypeError(f"{text} is not {expected}")
        return value

    return read


def whole(least: int) -> Callable[[str], int]:
    """Reader of whole numbers, written in digits."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) >= least):
            raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least {least}")
        return int(text)

    return read


def or_word(read: Callable[[str], Value], *words: str) -> Callable[[str], Value | str]:
    """Reader that also takes some words."""

    def read_or_take(text: str) -> Value | str:
        if text in words:
            return text
        try:
            return read(text)
        except argparse.ArgumentTypeError as error:
            named = " or ".join(f"'{word}'" for word in words)
            raise argparse.ArgumentTypeError(f"{error}, nor {named}") from None

    return read_or_take


def parsed(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """Reader from a function that refuses with a MorbidsError."""

    def parse_or_explain(text: str) -> Value:
        try:
            return parse(text)
        except MorbidsError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_or_explain


def _plain_number(text: str) -> float:
    """A number as people write it; NaN for anything else, such as the `1_000` that Python would read."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


class Option(NamedTuple):
    """One option of the command line.

    Attributes
    ----------
    name
        As it is typed; a name `--x-label` may also be typed `--x_label`.
    field
        What it fills.
    help
        One sentence; `{default}` stands for the field's default.
    read
        Reader of one value; text where it is None.
    metavar
        What stands for the value in the help.
    choices
        The only values.
    many
        Takes several values, of which it keeps each once; `repeated`: is given several times, each with one.
    counts
        How many values it takes, where that is not one.
    flag
        Takes no value: it is True when given.
    short
        A short name.
    """

    name: str
    field: str
    help: str
    read: Callable[[str], Any] | None = None
    metavar: str | None = None
    choices: Collection[str] | None = None
    many: bool = False
    counts: tuple[int, ...] = ()
    repeated: bool = False
    flag: bool = False
    short: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every way to type it."""
        spellings = [self.name, self.name.replace("-label", "_label")]
        return tuple(dict.fromkeys(filter(None, [self.short, *spellings])))

    def add_to(self, group: "argparse._ArgumentGroup", default: object = None) -> None:
        """Declare the option; what is not given leaves no trace among the parsed arguments."""
        words = self.help.replace("{default}", _shown(default)).replace("%", "%%")
        described: dict[str, Any] = {"dest": self.field, "default": argparse.SUPPRESS, "help": words}
        if self.flag:
            group.add_argument(*self.names, action="store_true", **described)
            return
        described |= {"type": self.read or str, "metavar": self.metavar, "choices": self.choices}
        if self.many or self.counts:
            group.add_argument(*self.names, nargs="+", action=_Collect, counts=self.counts, **described)
        else:
            group.add_argument(*self.names, action="append" if self.repeated else "store", **described)


class _Collect(argparse.Action):
    """Several values as a tuple: each once, or all of one of the numbers of values that an option takes."""

    def __init__(self, *declared: Any, counts: tuple[int, ...] = (), **described: Any) -> None:
        super().__init__(*declared, **described)
        self.counts = counts

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        _option: str | None = None,
    ) -> None:
        if self.counts and len(values) not in self.counts:
            taken = " or ".join(map(str, self.counts))
            raise argparse.ArgumentError(self, f"takes {taken} numbers, not {len(values)}")
        setattr(namespace, self.dest, tuple(values if self.counts else dict.fromkeys(values)))


def on_or_off(text: str) -> bool:
    """Read a switch."""
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError(f"{text} is neither on nor off")
    return text == "on"


class Parser(argparse.ArgumentParser):
    """argparse with the exit code that BIDS Apps agree on, one sentence for an error, and a guess at a typo."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments and leave."""
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\n{self.prog} --help lists the options.\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read the arguments; one that is unknown is told with the option that it is nearest to."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown)
        return options

    def _refuse(self, unknown: list[str]) -> NoReturn:
        typed = next((word.partition("=")[0] for word in unknown if word.startswith("-")), unknown[0])
        known = [name for action in self._actions for name in action.option_strings]
        near = difflib.get_close_matches(typed, known, 1)
        self.error(f"unrecognized arguments: {typed}" + (f"; did you mean {near[0]}?" if near else ""))


class Version(argparse.Action):
    """Tell the version, looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print it and leave."""
        sys.stdout.write(f"{parser.prog} {version('morbids')}\n")
        parser.exit()


def _shown(default: Any) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


def run_command(
    parser: Parser,
    work: Callable[[argparse.Namespace], str],
    log: logging.Logger,
    words: Sequence[str] | None,
) -> int:
    """Read a command line, do its work and log the sentence that it returns, or the error; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        arguments = parser.parse_args(words)
    except SystemExit as stop:
        return ExitCode.USAGE if stop.code else ExitCode.OK
    try:
        log.info("%s", work(arguments))
    except MorbidsError as error:
        log.error("%s", error)
        return error.exit_code
    return ExitCode.OK
