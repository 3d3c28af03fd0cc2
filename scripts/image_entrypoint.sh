#!/bin/sh
# What the image runs. numba and matplotlib insist on writable cache directories, so each user gets a copy of the caches
# that were filled when the image was built; without room for one, they work without a cache.
cache="${TMPDIR:-/tmp}/morbids-$(id -u)"
if mkdir -p -m 700 "$cache" 2>/dev/null && cp -Rn /opt/cache/. "$cache" 2>/dev/null; then
    export MPLCONFIGDIR="$cache/matplotlib" NUMBA_CACHE_DIR="$cache/numba" NIPYPE_CONFIG_DIR="$cache/nipype"
    export DENO_DIR="$cache/deno" XDG_CACHE_HOME="$cache" XDG_CONFIG_HOME="$cache"
fi
exec /opt/venv/bin/morbids "$@"
