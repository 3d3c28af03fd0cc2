#!/bin/sh
# Fill the caches that scripts/image_entrypoint.sh hands to each user: fonts, the validator's program, compiled loops.
# fill_image_caches.sh CACHE TEMPLATES: `templateflow` puts templates into TEMPLATEFLOW_HOME and fails where their archive cannot be reached;
# with `embedded`, morbids uses the brain of an installed package.
set -eu
cache=$1
templates=$2
case $templates in
embedded | templateflow) ;;
*)
    echo "fill_image_caches: TEMPLATES is '$templates'; it is embedded or templateflow." >&2
    exit 64
    ;;
esac
mkdir -p "$cache" "$TEMPLATEFLOW_HOME"
export MPLCONFIGDIR="$cache/matplotlib" NUMBA_CACHE_DIR="$cache/numba" DENO_DIR="$cache/deno"
bids-validator-deno --version
python -c 'import matplotlib.font_manager'
python -m morbids.numerics.prepare
if [ "$templates" = templateflow ]; then
    timeout 300 python - <<'PYTHON'
from morbids.imaging.templateflow_process import download
from morbids.imaging.templates import TEMPLATEFLOW_URL

for resolution_mm in (1, 2):
    download("MNI152NLin2009cAsym", resolution_mm, TEMPLATEFLOW_URL)
PYTHON
fi
