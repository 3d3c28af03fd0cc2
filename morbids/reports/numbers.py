"""Numbers as readers of papers expect them."""

import math


def format_number(value: float, decimals: int | None = None) -> str:
    """Three significant digits, or `decimals` places; a power of ten when very large or small; n/a for NaN.

    A number that would show as zero with so few places has three digits of its own.
    """
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    if decimals is None and not 1e-4 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa} × 10^{int(exponent)}".replace("-", "−")
    if decimals is None or abs(value) < 10.0**-decimals:
        decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", "−")


def format_quantity(value: float | None, unit: str = "") -> str:
    """A number by its own size with its unit: three significant digits, whole numbers without a unit as such."""
    if value is None or math.isnan(value):
        return "n/a"
    number = f"{value:.0f}" if not unit and value.is_integer() and abs(value) < 1e5 else format_number(value)
    return f"{number} {unit}".strip()


def format_p(p: float) -> str:
    """Three decimals without the leading zero; "n/a" for NaN, "< .001" below."""
    if math.isnan(p):
        return "n/a"
    if p < 0.001:
        return "<\u202f.001"
    return f"{p:.3f}".removeprefix("0")
