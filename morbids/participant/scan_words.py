"""How a scan was measured and fitted, in the words of its page."""

from morbids.bids.sidecars import FITTED_TOGETHER
from morbids.errors import MorbidsError
from morbids.numerics.kinetics.shared_efflux import DISAGREEMENT_SE
from morbids.participant.blood_words import tell_blood
from morbids.participant.facts import K2PrimeFacts, MixtureFacts, SettledFacts
from morbids.participant.plan import ScanPlan
from morbids.participant.quality import read_fit_facts
from morbids.reports.pages import Cell
from morbids.settings import ScanSettings, Study


def describe_scan(plan: ScanPlan, study: Study, settings: ScanSettings) -> tuple[tuple[str, Cell], ...]:
    """Names and words of what was injected, framed and fitted; of what the fit settled, from its sidecar."""
    metadata, kinetics = plan.scan.metadata, plan.kinetics
    dose = f"{metadata.get('InjectedRadioactivity', 'n/a')} {metadata.get('InjectedRadioactivityUnits', '')}".strip()
    driven: tuple[tuple[str, Cell], ...] = (
        (("reference region", kinetics.reference.name), ("k2'", _describe_k2_prime(plan, study, settings)))
        if kinetics.blood is None
        else (("driven by", tell_blood(plan, study, settings)),)
    )
    return (
        ("tracer", plan.scan.tracer),
        ("injected", dose),
        ("administration", metadata.get("ModeOfAdministration", "n/a")),
        ("frames", f"{kinetics.frames.n_frames}, to {kinetics.frames.end_min[-1]:g} min"),
        ("model", kinetics.model),
        *driven,
        ("t*", _describe_t_star(plan, study, settings)),
        ("partial volume", _describe_correction(plan, settings)),
        ("mixed tissue", _describe_mixture(plan, study, settings)),
    )


def _describe_correction(plan: ScanPlan, settings: ScanSettings) -> str:
    if plan.point_spread is None:
        return "not corrected"
    what = {"gtm": "curves corrected (GTM), maps not", "rbv": "frames corrected (RBV)"}
    widths = " x ".join(f"{width:.3g}" for width in plan.point_spread.fwhm_mm)
    return f"{what[settings.partial_volume]}; point spread {widths} mm ({plan.point_spread.source})"


def _describe_mixture(plan: ScanPlan, study: Study, settings: ScanSettings) -> str:
    spread = plan.mixed_tissue
    if spread is None:
        return "fitted together; the parts of white matter and fluid are not known"
    how = FITTED_TOGETHER
    if plan.fits_apart:
        try:
            facts = read_fit_facts(MixtureFacts, plan, study, settings)
        except MorbidsError as error:
            return str(error)
        how = facts.fitted_apart if facts else "not fitted"
    widths = " x ".join(f"{width:.3g}" for width in spread.fwhm_mm)
    return f"{how}; point spread {widths} mm ({spread.source})"


def _describe_k2_prime(plan: ScanPlan, study: Study, settings: ScanSettings) -> str:
    kinetics = plan.kinetics
    if not kinetics.fits_k2_prime:
        return "not used"
    if kinetics.k2_prime_per_min is None:
        try:
            facts = read_fit_facts(K2PrimeFacts, plan, study, settings)
        except MorbidsError as error:
            return str(error)
        if facts is None:
            return kinetics.k2_prime_source
        spread = "" if facts.k2_prime_se is None else f" ± {facts.k2_prime_se:.2g}"
        told = f"{facts.k2_prime_per_min:.4g}{spread}"
        return f"{told} /min ({kinetics.k2_prime_source}{_disagreement(facts)})"
    return f"{kinetics.k2_prime_per_min:g} /min ({kinetics.k2_prime_source})"


def _disagreement(facts: K2PrimeFacts) -> str:
    """Words for an estimate of k2' that is far from what papers report; empty where it is not."""
    distance = facts.k2_prime_distance
    if distance is None or distance <= DISAGREEMENT_SE:
        return ""
    return (
        f"; they disagree: this scan alone says {facts.k2_prime_of_scan:.3g}, {distance:.1f} standard errors away. "
        "Mixed tissue, slow dissociation or a reference region that binds look like that"
    )


def _describe_t_star(plan: ScanPlan, study: Study, settings: ScanSettings) -> str:
    kinetics, t_star_min = plan.kinetics, plan.kinetics.t_star_min
    if t_star_min is None:
        try:
            settled = read_fit_facts(SettledFacts, plan, study, settings)
        except MorbidsError as error:
            return str(error)
        if settled is None or settled.t_star_min is None:
            return kinetics.t_star_source
        t_star_min = settled.t_star_min
    return f"{t_star_min:g} min ({kinetics.t_star_source})"
