"""Numbers as readers of papers expect them."""

import math


def format_number(value: float, decimals: int | None = None) -> str:
    """Three significant digits, or `decimals` places; a power of ten when very large or small; n/a for NaN."""
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    if decimals is None and not 1e-4 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa} × 10^{int(exponent)}".replace("-", "−")
    if decimals is None:
        decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}".replace("-", "−")


def format_p(p: float) -> str:
    """Three decimals without the leading zero; "n/a" for NaN, "< .001" below."""
    if math.isnan(p):
        return "n/a"
    if p < 0.001:
        return "<\u202f.001"
    return f"{p:.3f}".removeprefix("0")
