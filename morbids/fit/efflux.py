"""k2' of a table of curves: the rule of the participant level, as far as the table allows."""

from typing import NamedTuple

from morbids.bids.curve_tables import CurveTable
from morbids.bids.windows import WHOLE_SCAN, Window, pair_windows, window_points
from morbids.errors import MorbidsError
from morbids.fit.wishes import FIND, GIVEN, NONE, Wishes
from morbids.numerics.kinetics.efflux_choice import ChosenEfflux, choose_k2_prime
from morbids.numerics.kinetics.models import MODELS, FitOptions
from morbids.numerics.kinetics.presets import TracerPreset
from morbids.numerics.kinetics.shared_efflux import DISAGREEMENT_SE


class TableEfflux(NamedTuple):
    """k2' of a table (None where the model takes none), where it is from, and what the user should read of it."""

    found: ChosenEfflux | None
    source: str
    notes: tuple[str, ...] = ()

    @property
    def k2_prime(self) -> float | None:
        """What the model is told, per minute."""
        return None if self.found is None else self.found.value

    @property
    def facts(self) -> dict[str, object]:
        """For the sidecar."""
        found = self.found or ChosenEfflux(float("nan"))
        return {
            "k2prime": self.k2_prime,
            "k2primeSource": self.source,
            "k2primeStandardError": found.se,
            "k2primeOfScan": found.of_scan,
            "k2primeDistance": found.distance,
        }


def settle_efflux(
    table: CurveTable, wishes: Wishes, preset: TracerPreset | None, options: FitOptions, takes_k2_prime: bool
) -> TableEfflux:
    """Take k2' as wished, or estimate it from the table, with the preset's where that has a spread.

    Where the preset knows k2' and the table cannot tell it (one region, few frames), the preset's is taken and that
    is said.

    Raises
    ------
    MorbidsError
        Nobody knows it.
    """
    if not takes_k2_prime:
        return TableEfflux(None, "not used")
    if wishes.k2_prime == NONE:
        return TableEfflux(None, "left out of the Logan plot on request")
    if isinstance(wishes.k2_prime, float):
        return TableEfflux(ChosenEfflux(wishes.k2_prime), GIVEN)
    if wishes.k2_prime is not None or preset is None or preset.k2_prime is None:
        return _tell(_estimate(table, wishes, preset, options, None), "")
    of_preset = f"preset of {preset.name}"
    if preset.k2_prime_spread is None:
        return TableEfflux(ChosenEfflux(preset.k2_prime), of_preset)
    published = preset.k2_prime, preset.k2_prime_spread
    try:
        found = _estimate(table, wishes, preset, options, published)
    except MorbidsError as error:
        note = f"k2' is the preset's alone, because this table cannot tell it: {error.message}"
        return TableEfflux(ChosenEfflux(preset.k2_prime), of_preset, (note,))
    return _tell(
        found,
        f", combined by inverse variance with {published[0]:g} ± {published[1]:g} /min of the {of_preset}",
    )


def _estimate(
    table: CurveTable,
    wishes: Wishes,
    preset: TracerPreset | None,
    options: FitOptions,
    published: tuple[float, float] | None,
) -> ChosenEfflux:
    """From t* on (the first window's start where t* is still to be found), with the step of a challenge."""
    pairs = pair_windows(wishes.windows)
    onset_min = pairs[0].challenge.start_min if pairs else options.onset_min
    start_min = wishes.windows[0].start_min if wishes.windows else 0.0
    if isinstance(wishes.t_star, float):
        start_min = wishes.t_star
    elif wishes.t_star != FIND and preset is not None and MODELS[preset.model].needs_t_star:
        start_min = preset.t_star_min
    end_min = max((window.end_min for window in wishes.windows), default=float(table.frames.end_min[-1]))
    return choose_k2_prime(
        table.curves,
        table.reference,
        table.frames,
        published=published,
        onset_min=onset_min,
        points=window_points(table.frames, Window(WHOLE_SCAN, start_min, end_min)),
        inverse_variance=options.inverse_variance,
    )


def _tell(found: ChosenEfflux, combined: str) -> TableEfflux:
    """Say how it was estimated, and whether the table disagrees with what papers say."""
    how = "SRTM, weighted median" if found.of_scan_se is None else "all at once"
    notes: tuple[str, ...] = ()
    if found.distance is not None and found.distance > DISAGREEMENT_SE:
        notes = (
            f"k2' of this table alone is {found.of_scan:.3g} /min, {found.distance:.1f} standard errors from what "
            "papers say; mixed tissue alone can make that.",
        )
    return TableEfflux(
        found, f"estimated from the curves of {found.n_regions} regions ({how}){combined}", notes
    )
