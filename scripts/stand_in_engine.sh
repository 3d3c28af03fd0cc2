#!/usr/bin/env bash
# Stands in for `docker run`, `apptainer run` and `singularity run` where no engine is: called by a link of that name, it takes the options of docs/hpc.md
# and runs the root file system of scripts/build_image.sh (ROOTFS; default build/image/rootfs) in bubblewrap, whatever image is named, as the user that is
# asked for (else ENGINE_USER, else the caller).
#
# Root file system and HOME cannot be written, there is no network, the environment is the image's own, /tmp has 64 MB without exec (without root: with
# exec): the strictest of the three, whatever is asked for. It tells what morbids does in there, and nothing of the engines themselves.
set -euo pipefail
name=$(basename "$0")
rootfs=$(realpath "${ROOTFS:-$(dirname "$(realpath "$0")")/../build/image/rootfs}")
entrypoint=$(cat "$rootfs/../entrypoint")
settings=(--setenv HOME /nowhere)
while IFS= read -r line; do settings+=(--setenv "${line%%=*}" "${line#*=}"); done <"$rootfs/../env"
user=${ENGINE_USER:-$(id -u):$(id -g)}
bound=()
bind() {  # FROM:TO[:ro] or FOLDER
    local from to how
    IFS=: read -r from to how <<<"$1"
    [ "$how" = ro ] || how=''
    bound+=("--${how:+$how-}bind" "$from" "${to:-$from}")
}

[ "${1:-}" = run ] || { echo "$name: only '$name run' has a stand-in" >&2; exit 64; }
shift
while [ "$#" -gt 0 ]; do
    case $1 in
    --rm | --read-only | --cleanenv | --containall | --no-home) shift; continue ;;
    --tmpfs | --network | --env) ;;
    --user) user=$2 ;;
    --entrypoint) entrypoint=$2 ;;
    -v | -B | --bind)
        IFS=, read -ra asked <<<"$2"
        for one in "${asked[@]}"; do bind "$one"; done
        ;;
    -*) echo "$name: the stand-in knows no option $1" >&2; exit 64 ;;
    *) break ;;
    esac
    shift 2
done
shift  # the image's name

system=(--tmpfs /)
for entry in "$rootfs"/*; do
    target=/$(basename "$entry")
    if [ -L "$entry" ]; then
        system+=(--symlink "$(readlink "$entry")" "$target")
    else
        system+=(--ro-bind "$entry" "$target")
    fi
done
tmp=(--size 67108864 --tmpfs /tmp)
before=()
if [ "$(id -u)" -eq 0 ]; then
    # bubblewrap's own would let programs run from it: one is mounted where only these processes see it.
    mkdir -p "$rootfs/../tmp"
    tmp=(--bind "$rootfs/../tmp" /tmp)
    before=(unshare --mount sh -c 'mount -t tmpfs -o noexec,nosuid,nodev,size=64m,mode=1777 tmpfs "$0" && exec "$@"' "$rootfs/../tmp"
        setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups)
fi
exec "${before[@]}" bwrap "${system[@]}" --proc /proc --dev /dev "${tmp[@]}" "${bound[@]}" --remount-ro / \
    --unshare-all --die-with-parent --clearenv "${settings[@]}" --chdir /tmp "$entrypoint" "$@"
