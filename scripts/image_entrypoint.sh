#!/bin/sh
# What the image runs. numba and matplotlib insist on writable cache directories, so each user gets a copy of the caches
# that were filled when the image was built; without room for one, they work without a cache.
# numba runs what it finds in its cache: a folder is used only when it is this user's own and nobody else can write into it.
shared="${TMPDIR:-/tmp}/morbids-$(id -u)"
is_own() { [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ] && [ "$(stat -c %a "$1")" = 700 ]; }
if is_own "$shared"; then
    cache=$shared
elif cache=$(mktemp -d "${TMPDIR:-/tmp}/morbids-XXXXXXXX" 2>/dev/null); then
    if ! cp -R /opt/cache/. "$cache" 2>/dev/null; then
        rm -rf "$cache"
        cache=''
    elif mv -T "$cache" "$shared" 2>/dev/null; then
        cache=$shared
    elif is_own "$shared"; then # another job was quicker
        rm -rf "$cache"
        cache=$shared
    fi
fi
if [ -n "$cache" ]; then
    export MPLCONFIGDIR="$cache/matplotlib" NUMBA_CACHE_DIR="$cache/numba" NIPYPE_CONFIG_DIR="$cache/nipype"
    export DENO_DIR="$cache/deno" XDG_CACHE_HOME="$cache" XDG_CONFIG_HOME="$cache"
fi
exec /opt/venv/bin/morbids "$@"
