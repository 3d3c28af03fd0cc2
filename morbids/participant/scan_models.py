"""The models in a scan's graph: k2', fits of regions and voxels, maps in every space, their plots."""

from collections.abc import Sequence

from nipype import Node

from morbids.bids import sidecars
from morbids.bids.names import difference_label
from morbids.bids.windows import window_entities
from morbids.engine.nodes import make_node
from morbids.engine.saving import Output
from morbids.imaging.atlases import SPHERES
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.prediction import OF_STEPS, can_predict
from morbids.participant.facts import BloodFacts, K2PrimeFacts, MapFacts, MixtureFacts, SettledFacts, keys_of
from morbids.participant.kinetic_plan import TRANSPORT_MODEL
from morbids.participant.scan_graph import ScanBuilder
from morbids.participant.spaces import picture_space
from morbids.participant.steps.figures import (
    fitted_windows,
    picture_maps,
    plot_curves,
    plot_estimates,
    plot_fits,
    plot_input,
    plot_k2_prime,
    plot_logan,
    plot_t_star,
)
from morbids.participant.steps.kinetics import (
    RESPONSE,
    MapRule,
    baseline_parameters,
    difference_name,
    fit_maps,
    fit_regions,
    map_name,
    response_parameters,
    settle_plan,
)
from morbids.participant.steps.null_range import RANGE_COLUMNS, range_picture_name, range_regions
from morbids.participant.steps.pet import bring_maps, make_t1w_grid
from morbids.participant.steps.protocol import CALIBRATION_COLUMNS, Simulation, calibrate, picture_name
from morbids.settings import NATIVE_SPACE, OutputSpace

# Fewer frames leave no start of a line to compare with another.
FRAMES_FOR_T_STAR = 5
# What they show is fitted anew.
FITTING_PLOTS = ("plot_k2prime", "plot_tstar")


def settled_facts(builder: ScanBuilder) -> dict[str, str]:
    """What becomes known while running and joins the sidecars: k2', t* where it is found, and the blood's delay."""
    kinetics = builder.plan.kinetics
    finds = kinetics.t_star_min is None and MODELS[kinetics.model].needs_t_star
    found = keys_of(SettledFacts) if finds else {}
    if kinetics.blood is not None:
        found |= keys_of(BloodFacts)
    if not builder.plan.kinetics.needs_k2_prime:
        return found
    # Where the model takes no k2', the map of R1 still does.
    used = "k2prime" if builder.plan.kinetics.fits_k2_prime else "R1k2prime"
    estimated = keys_of(K2PrimeFacts) if builder.plan.kinetics.k2_prime_per_min is None else {}
    return {**estimated, "k2_prime_per_min": used, **found}


def fit_facts(builder: ScanBuilder) -> dict[str, str]:
    """What becomes known of a fit while running: `settled_facts`, and what of mixed tissue was fitted apart."""
    return settled_facts(builder) | (keys_of(MixtureFacts) if builder.plan.fits_apart else {})


def connect_fit_facts(builder: ScanBuilder, settled: Node, save: Node) -> None:
    """Give a saver of fits their facts."""
    builder.workflow.connect([(settled, save, [(name, name) for name in settled_facts(builder)])])
    if builder.mixture is not None and builder.plan.fits_apart:
        builder.workflow.connect([(builder.mixture, save, [(name, name) for name in MixtureFacts._fields])])


def add_settled(builder: ScanBuilder, curves: Node, reference: Node) -> Node:
    """Settle k2' and t*."""
    settled = make_node(settle_plan, "settle_plan", {"plan": builder.plan.kinetics})
    builder.workflow.connect(
        [
            (curves, settled, [("curves", "curves")]),
            (reference, settled, [("curves", "reference_curve")]),
        ]
    )
    builder.connect_slow(settled, curves, reference)
    return settled


def add_region_fits(builder: ScanBuilder, atlas: str, curves: Node, reference: Node, settled: Node) -> None:
    """Fit the regions of one atlas."""
    fit = make_node(fit_regions, f"{builder.opinion}fit_regions_{atlas}")
    outputs = kinpar_outputs(builder, atlas)
    save = builder.save(
        f"{builder.opinion}save_fits_{atlas}", outputs, fields=("kinpar",), facts=fit_facts(builder)
    )
    connect_fit_facts(builder, settled, save)
    builder.workflow.connect(
        [
            (curves, fit, [("curves", "curves")]),
            (reference, fit, [("curves", "reference_curve")]),
            (settled, fit, [builder.settled_plan]),
            (fit, save, [("kinpar", "kinpar")]),
        ]
    )
    builder.connect_slow(fit, curves, reference)


def add_plots(builder: ScanBuilder, curves: Node, reference: Node, settled: Node) -> None:
    """Draw curves, the Logan plot and the dependence on k2' for the a-priori regions."""
    kinetics = builder.plan.kinetics
    known = MODELS[kinetics.model]
    plots = [make_node(plot_curves, "plot_curves", {"unit": builder.unit})]
    if {"LoganRef", "PlasmaLogan"} & {kinetics.model, kinetics.second_model}:
        plots.append(make_node(plot_logan, "plot_logan"))
    if kinetics.fits_k2_prime:
        plots.append(make_node(plot_k2_prime, "plot_k2prime"))
    if known.needs_t_star and kinetics.frames.n_frames > FRAMES_FOR_T_STAR:
        plots.append(make_node(plot_t_star, "plot_tstar"))
    for plot in plots:
        builder.workflow.connect(
            [(curves, plot, [("curves", "curves")]), (reference, plot, [("curves", "reference_curve")])]
        )
        builder.workflow.connect([(settled, plot, [("plan", "plan")])])
        if plot.name in FITTING_PLOTS:
            builder.connect_slow(plot, curves, reference)
        builder.save_picture(plot, plot.name.removeprefix("plot_"), ".svg")
    if kinetics.blood is not None:
        drawn = make_node(plot_input, "plot_input", {"unit": builder.unit})
        builder.workflow.connect(
            [(reference, drawn, [("curves", "curve")]), (settled, drawn, [("plan", "plan")])]
        )
        builder.save_picture(drawn, "input", ".svg")
    estimates = make_node(plot_estimates, "plot_estimates", {"parameter": known.parameters[0]})
    fits = builder.workflow.get_node(f"fit_regions_{SPHERES}")
    builder.workflow.connect(fits, "kinpar", estimates, "kinpar")
    builder.save_picture(estimates, "estimates", ".svg")


def add_fit_plots(builder: ScanBuilder, curves: Node, reference: Node, settled: Node) -> None:
    """Draw measured and fitted curves, where the model's equation gives them back."""
    kinetics = builder.plan.kinetics
    known = MODELS[kinetics.model]
    if not can_predict(known.parameters):
        return
    if known.needs_onset and kinetics.model not in OF_STEPS:
        return
    plot = make_node(plot_fits, "plot_fits", {"unit": builder.unit})
    names = [f"fits{window.name}" for window in fitted_windows(kinetics)]
    save = builder.save(
        "save_plot_fits",
        {name: Output("pet_figure", {"desc": name}) for name in names},
        fields=("pictures",),
    )
    builder.workflow.connect(
        [
            (curves, plot, [("curves", "curves")]),
            (reference, plot, [("curves", "reference_curve")]),
            (settled, plot, [("plan", "plan")]),
            (plot, save, [("pictures", "pictures")]),
        ]
    )
    builder.connect_slow(plot, curves, reference)


def add_calibration(builder: ScanBuilder, settled: Node) -> None:
    """Simulate what each contrast of the scan's windows can see."""
    kinetics = builder.plan.kinetics
    if not (kinetics.pairs and _compares_binding(kinetics.model)):
        return
    constants = {"simulation": Simulation(builder.plan.schedule, builder.plan.fits_apart)}
    node = make_node(calibrate, "calibrate_protocol", constants, mem_gb=0.8)
    description = "Contrasts on simulated curves with this scan's frames, windows and administration"
    outputs = {
        "table": Output("calibration", sidecar=sidecars.table_sidecar(description, CALIBRATION_COLUMNS))
    }
    outputs |= {
        picture_name(pair): Output("pet_figure", {"desc": picture_name(pair)}) for pair in kinetics.pairs
    }
    save = builder.save("save_calibration", outputs, fields=("table", "pictures"))
    builder.workflow.connect(
        [
            (settled, node, [("plan", "plan")]),
            (node, save, [("table", "table"), ("pictures", "pictures")]),
        ]
    )


def add_ranges(builder: ScanBuilder, curves: Node, reference: Node, settled: Node) -> Node | None:
    """Simulate what each a-priori region can read without a release; None where no change is read."""
    kinetics = builder.plan.kinetics
    if not (kinetics.pairs and _compares_binding(kinetics.model)):
        return None
    constants = {"simulation": Simulation(builder.plan.schedule, builder.plan.fits_apart)}
    node = make_node(range_regions, "range_regions", constants, mem_gb=0.8)
    description = "Contrasts of the a-priori regions, and what they can read without any release"
    outputs = {"table": Output("null_range", sidecar=sidecars.table_sidecar(description, RANGE_COLUMNS))}
    outputs |= {
        name: Output("pet_figure", {"desc": name}) for name in map(range_picture_name, kinetics.pairs)
    }
    save = builder.save("save_ranges", outputs, fields=("table", "pictures"))
    builder.workflow.connect(
        [
            (curves, node, [("curves", "curves")]),
            (reference, node, [("curves", "reference_curve")]),
            (settled, node, [("plan", "plan"), ("k2_prime_se", "k2_prime_se")]),
            (node, save, [("table", "table"), ("pictures", "pictures")]),
        ]
    )
    builder.connect_mixture(node, curves, reference)
    return node


def _compares_binding(model: ModelName) -> bool:
    """Whether a model gives one BP_ND before and one during the challenge, without a search for their course."""
    known = MODELS[model]
    return known.parameters[0] == "BPND" and (
        known.fits_windows or (known.needs_onset and known.needs_k2_prime)
    )


def add_map_fits(builder: ScanBuilder, motion: Node, mask: Node, reference: Node, settled: Node) -> Node:
    """Fit every voxel."""
    settings, threads = builder.settings, builder.resources.omp_n_threads
    rule = MapRule(settings.pet_smoothing_fwhm_mm, settings.mask_threshold)
    constants = {"rule": rule, "threads": threads}
    fit = make_node(fit_maps, f"{builder.opinion}fit_maps", constants, mem_gb=1.1, n_procs=threads)
    facts = {**fit_facts(builder), **keys_of(MapFacts)}
    name = f"{builder.opinion}save_maps"
    save = builder.save(name, map_outputs(builder, None), fields=("maps",), facts=facts)
    connect_fit_facts(builder, settled, save)
    builder.workflow.connect(
        [
            (motion, fit, [("corrected_pet", "pet")]),
            (mask, fit, [("mask", "mask")]),
            (reference, fit, [("curves", "reference_curve")]),
            (settled, fit, [builder.settled_plan]),
            (fit, save, [("maps", "maps"), ("failed_share", "failed_share")]),
        ]
    )
    if builder.mixture is not None:
        builder.connect_slow(fit, builder.mixture, reference)
    return fit


def add_maps_in_spaces(builder: ScanBuilder, maps: Node, coregistration: Node, settled: Node) -> None:
    """Bring all maps to every space that is asked for, and draw them on a template."""
    asked, drawn = builder.settings.output_spaces, picture_space(builder.settings)
    for output in dict.fromkeys(asked if builder.opinion else (*asked, drawn)):
        if output.space == NATIVE_SPACE:
            continue
        bring = _bring_maps(builder, maps, coregistration, output)
        if output in asked:
            _save_in_space(builder, bring, settled, output)
        if output == drawn and not builder.opinion:
            _add_pictures(builder, bring, output)


def _bring_maps(builder: ScanBuilder, maps: Node, coregistration: Node, output: OutputSpace) -> Node:
    """Resample the maps once, through all transforms together."""
    name = f"{output.space}_{output.resolution_label}"
    bring = make_node(bring_maps, f"{builder.opinion}bring_to_{name}", mem_gb=0.9)
    builder.workflow.connect(
        [
            (maps, bring, [("maps", "maps")]),
            (coregistration, bring, [("pet_to_t1w", "pet_to_t1w")]),
        ]
    )
    if output.is_template:
        builder.connect_anatomy(bring, [(f"{output.space}.t1w_to_template", "t1w_to_template")])
        builder.connect_template(bring, output, [("brain", "grid")])
    else:
        grid = make_node(
            make_t1w_grid, f"{builder.opinion}grid_{name}", {"voxel_mm": float(output.resolution_mm)}
        )
        builder.connect_anatomy(grid, [("brain.mask", "t1w_mask")])
        builder.workflow.connect(grid, "grid", bring, "grid")
    return bring


def _save_in_space(builder: ScanBuilder, bring: Node, settled: Node, output: OutputSpace) -> None:
    save = builder.save(
        f"{builder.opinion}save_{output.space}_{output.resolution_label}",
        map_outputs(builder, output),
        fields=("maps",),
        facts=fit_facts(builder),
    )
    builder.workflow.connect(bring, "maps", save, "maps")
    connect_fit_facts(builder, settled, save)


def _add_pictures(builder: ScanBuilder, bring: Node, output: OutputSpace) -> None:
    """Draw the maps on a template."""
    kinetics = builder.plan.kinetics
    picture = make_node(picture_maps, "picture_maps", {"plan": kinetics}, mem_gb=1.1)
    names = [window.name for window in kinetics.windows] + (["R1"] if kinetics.maps_transport else [])
    names += [f"difference{pair.challenge.name}" for pair in kinetics.pairs]
    builder.workflow.connect(bring, "maps", picture, "maps")
    builder.save_pictures(picture, names)
    builder.connect_template(picture, output, [("brain", "template_brain"), ("mask", "template_mask")])


def kinpar_outputs(builder: ScanBuilder, atlas: str) -> dict[str, Output]:
    """Names and sidecars of the tables of regional parameters."""
    scan, kinetics = builder.plan.scan, builder.plan.kinetics
    named, corrected = (
        {"seg": atlas, "model": kinetics.model, **builder.correction},
        builder.correction_fields,
    )
    parameters: Sequence[str] = MODELS[kinetics.model].parameters
    responding = MODELS[kinetics.model].needs_onset
    if responding:
        parameters = baseline_parameters(kinetics.model)
    outputs = {
        window.name: Output(
            "kinpar",
            {**named, **window_entities(window)},
            sidecars.kinpar_sidecar(scan, builder.model, parameters, window, builder.raw) | corrected,
        )
        for window in kinetics.windows
    }
    if responding:
        responses = response_parameters(kinetics.model)
        sidecar = sidecars.kinpar_sidecar(scan, builder.model, responses, None, builder.raw)
        outputs[RESPONSE] = Output("kinpar", {**named, "desc": RESPONSE}, sidecar | corrected)
    return outputs


def map_outputs(builder: ScanBuilder, space: OutputSpace | None) -> dict[str, Output]:
    """Names and sidecars of every map of a scan, in PET space (None) or another."""
    kinetics, scan, model = builder.plan.kinetics, builder.plan.scan, builder.model
    main = MODELS[kinetics.model].parameters[0]
    where = {} if space is None else {"space": space.space, "res": space.resolution_label}
    where |= builder.map_correction
    resolution = "" if space is None else sidecars.resolution_text(space.resolution_mm)
    outputs = {
        map_name(main, window): Output(
            "parametric_map",
            {"model": model.name, "meas": main, **where, **window_entities(window)},
            sidecars.parametric_map_sidecar(scan, model, main, window, builder.raw, resolution=resolution),
        )
        for window in kinetics.windows
    }
    for pair in kinetics.pairs:
        for percent in (False, True):
            label = difference_label(pair.baseline.name, pair.challenge.name, percent=percent)
            outputs[difference_name(main, pair.challenge, percent=percent)] = Output(
                "difference_map",
                {"model": model.name, "meas": main, **where, "desc": label},
                sidecars.difference_map_sidecar(
                    scan, model, main, pair, builder.raw, percent=percent, resolution=resolution
                ),
            )
    if MODELS[kinetics.model].needs_onset:
        responses = response_parameters(kinetics.model)
        for name in (*responses, "q") if "p" in responses else responses:
            outputs[name] = Output(
                "parametric_map",
                {"model": model.name, "meas": name, **where},
                sidecars.parametric_map_sidecar(scan, model, name, None, builder.raw, resolution=resolution),
            )
    if kinetics.maps_transport:
        transport = sidecars.ModelUse(
            **{**vars(model), "name": TRANSPORT_MODEL, "t_star_min": None, "t_star_source": ""}
        )
        outputs["R1"] = Output(
            "parametric_map",
            {"model": TRANSPORT_MODEL, "meas": "R1", **where},
            sidecars.parametric_map_sidecar(scan, transport, "R1", None, builder.raw, resolution=resolution),
        )
    # What was corrected, and an image that lies in the space.
    more = (
        builder.motion_fields
        | builder.map_correction_fields
        | ({} if space is None else builder.spatial_reference(space.space))
    )
    return {name: output._replace(sidecar={**output.sidecar, **more}) for name, output in outputs.items()}
