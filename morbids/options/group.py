"""Options of the group level: which maps, which questions, which inference."""

from pathlib import Path

from morbids.arguments import Option, number, whole
from morbids.numerics.statistics.methods import METHODS
from morbids.settings import FACTORS, MAP_KINDS

GROUP = (
    Option(
        "--maps",
        "map_kind",
        "differences of windows (parameters where there are none), differences in percent (of windows, else of two "
        "scans), or the parameters themselves; default {default}",
        choices=MAP_KINDS,
    ),
    Option(
        "--maps-table",
        "maps_table",
        "a TSV of maps of any origin: participant_id, path, and any of session_id, task, tracer, run, description",
        Path,
        "TSV",
    ),
    Option("--measure", "measure", "the meas- of the maps; default {default}", metavar="MEASURE"),
    Option(
        "--exclude",
        "excluded",
        "scans or participants to leave out, such as sub-03 or sub-04_task-rest, or a table of ratings (.tsv) that was "
        "saved on the group page",
        metavar="LABEL",
        many=True,
    ),
    Option("--keep-flagged", "keep_flagged", "also take scans whose quality table has a concern", flag=True),
    Option(
        "--smoothing-fwhm",
        "group_smoothing_fwhm_mm",
        "smoothing of maps before tests; default {default}",
        number(0),
        "MM",
    ),
    Option(
        "--mask-threshold",
        "mask_threshold",
        "least binding at baseline: of voxels with a change in percent, and (mean of all) of voxels that are tested; "
        "default {default}",
        number(),
        "BP",
    ),
    Option(
        "--coverage",
        "coverage",
        "share of the maps that must know a voxel for it to be tested, by those that do; default {default}, all",
        number(0, 1, above=True),
        "SHARE",
    ),
    Option(
        "--stats-model", "stats_model", "a BIDS Stats Model instead of the built-in questions", Path, "FILE"
    ),
    Option(
        "--stats-model-node",
        "stats_model_node",
        "begin at this node of the model: the maps are the results of the nodes before it",
        metavar="NAME",
    ),
    Option(
        "--contrast",
        "contrasts",
        "only these contrasts, by the value of contrast- in their files; * and ? stand for any characters",
        metavar="NAME",
        many=True,
    ),
    Option(
        "--trait",
        "traits",
        "columns of participants.tsv, sessions.tsv or phenotype/*.tsv to regress maps and regions on; TASK:COLUMN "
        "tests one in the scans of that task, session or challenge only, TASK-TASK:COLUMN in the difference of two",
        metavar="[TASK:]COLUMN",
        many=True,
    ),
    Option(
        "--expect",
        "expected",
        "activation or deactivation: the direction of change that was expected before looking, which makes these "
        "claims one-tailed; TASK:DIRECTION for one task",
        metavar="[TASK:]DIRECTION",
        many=True,
    ),
    Option(
        "--group-column",
        "group_column",
        "a column with two values or more: compare these groups, and how they differ between scans",
        metavar="COLUMN",
    ),
    Option(
        "--equal-variances",
        "equal_variances",
        "compare groups with a pooled variance, not with Welch's",
        flag=True,
    ),
    Option(
        "--within",
        "within",
        "one or two of task, session, run, tracer, window: test their main effects and interaction within participants "
        "instead of each pair of scans",
        choices=FACTORS,
        many=True,
    ),
    Option(
        "--average-runs",
        "average_runs",
        "take the mean of the runs of one scan, not each run as a scan of its own",
        flag=True,
    ),
    Option(
        "--covariate",
        "covariates",
        "columns of no interest in every design, numbers or text",
        metavar="COLUMN",
        many=True,
    ),
    Option(
        "--inference",
        "inference",
        "corrections for many voxels; default all but tfce, which takes longest",
        choices=tuple(METHODS),
        many=True,
    ),
    Option(
        "--n-permutations",
        "n_permutations",
        "sign flips or orders; all there are when fewer, and for max-t up to 131072; default {default}",
        whole(1),
        "N",
    ),
    Option(
        "--cluster-forming-p",
        "cluster_forming_p",
        "uncorrected two-tailed p that forms clusters; default {default}",
        number(0, 0.5, above=True, below=True),
        "P",
    ),
    Option(
        "--variance-smoothing",
        "variance_smoothing_fwhm_mm",
        "pseudo-t: smooth the residual variance by this width; default {default}, Student's t",
        number(0),
        "MM",
    ),
    Option(
        "--small-volume",
        "small_volumes",
        "a-priori regions to search on their own, by name, or mask images; default all; none for none",
        metavar="NAME",
        many=True,
    ),
    Option(
        "--regions",
        "regions",
        "spheres of your own (TSV: name, x, y, z, radius_mm) instead of the a-priori ones",
        Path,
        "TABLE",
    ),
    Option("--random-seed", "random_seed", "default {default}", whole(0), "N"),
)
