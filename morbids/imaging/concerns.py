"""Sentences that doubt a result: every doubt of a step is told, and no number reads like the bound that it misses."""

from collections.abc import Iterable


def beside(value: float, bound: float, digits: int = 2) -> float:
    """Round a value, but never onto or over the bound that it misses: 0.699 beside 0.7 is 0.69, 15.2 beside 15 16."""
    rounded, step = round(float(value), digits), 10.0**-digits
    if value < bound <= rounded:
        return round(rounded - step, digits)
    return round(rounded + step, digits) if value > bound >= rounded else rounded


def too_low(value: float, least: float, unit: str = "", digits: int = 2) -> str:
    """Put a value beside the least that is expected; `%` as unit takes both as shares of one."""
    return _beside(value, least, unit, digits, "least")


def too_high(value: float, most: float, unit: str = "", digits: int = 2) -> str:
    """Put a value beside the most that is expected; `%` as unit takes both as shares of one."""
    return _beside(value, most, unit, digits, "most")


def all_doubts(what: str, doubts: Iterable[str]) -> str:
    """One sentence for each doubt of a step; empty when there is none."""
    return " ".join(f"{what} is doubtful: {doubt}." for doubt in doubts)


def _beside(value: float, bound: float, unit: str, digits: int, side: str) -> str:
    factor, digits = (100, 0) if unit == "%" else (1, digits)
    shown = beside(factor * value, factor * bound, digits)
    unit = f" {unit}" if unit and unit != "%" else unit
    return f"{shown:g}{unit} (at {side} {factor * bound:g}{unit} expected)"
