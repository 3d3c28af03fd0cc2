#!/bin/sh
# Fill the caches that scripts/image_entrypoint.sh hands to each user: fonts of matplotlib, the validator, compiled functions.
# Templates go to TEMPLATEFLOW_HOME when their server can be reached; else morbids uses the brain of an installed package.
set -eu
cache=$1
mkdir -p "$cache" "$TEMPLATEFLOW_HOME"
export MPLCONFIGDIR="$cache/matplotlib" NUMBA_CACHE_DIR="$cache/numba" DENO_DIR="$cache/deno"
python -c 'import matplotlib.font_manager'
bids-validator-deno --version
