#!/usr/bin/env bash
# Run the image as a cluster or a cautious user would: scripts/smoke_image.sh [IMAGE]
#
# Read-only, without network, as a user that the image does not know, with an unwritable HOME and 64 MB of /tmp (as Apptainer gives): simulate a tiny study, run participant
# and group on it (the dataset is read-only by then), and check what came out. IMAGE is a root file system written by scripts/build_image.sh (default
# build/image/rootfs; run with bubblewrap), or the name of an image that docker knows.
set -euo pipefail
image=${1:-$(dirname "$0")/../build/image/rootfs}
user=12345
study=$(mktemp -d "${TMPDIR:-/tmp}/morbids-smoke.XXXXXX")
run=''
# What was written there belongs to the image's user, who takes it away: nobody else may.
cleanup() {
    [ -z "$run" ] || "$run" /bin/sh -c 'chmod -R u+w /mnt/*; rm -rf /mnt/*' 2>/dev/null || true
    rm -rf "$study"
}
trap cleanup EXIT
mkdir "$study/bids" "$study/out" "$study/work"
chown -R "$user:$user" "$study" 2>/dev/null || chmod -R a+rwX "$study"

run_with_docker() {  # ENTRYPOINT ARGUMENT...
    local entrypoint=$1
    shift
    docker run --rm --read-only --tmpfs /tmp:rw,noexec,size=64m --network none --user "$user:$user" --env HOME=/nowhere \
        -v "$study:/mnt" --entrypoint "$entrypoint" "$image" "$@"
}

run_with_bwrap() {  # ENTRYPOINT ARGUMENT...
    local settings=() line
    while IFS= read -r line; do
        settings+=(--setenv "${line%%=*}" "${line#*=}")
    done <"$image/../env"
    local as_user=()
    [ "$(id -u)" -ne 0 ] || as_user=(setpriv --reuid "$user" --regid "$user" --clear-groups)
    "${as_user[@]}" bwrap --ro-bind "$image" / --proc /proc --dev /dev --size 67108864 --tmpfs /tmp --bind "$study" /mnt \
        --unshare-all --die-with-parent --clearenv "${settings[@]}" --setenv HOME /nowhere --chdir /tmp "$@"
}

if [ -d "$image" ]; then
    image=$(realpath "$image")
    if ! command -v bwrap >/dev/null; then
        apt-get update -qq
        apt-get install -qq --yes --no-install-recommends bubblewrap
    fi
    run=run_with_bwrap
    entrypoint=$(cat "$image/../entrypoint")
else
    run=run_with_docker
    entrypoint=$(docker image inspect --format '{{index .Config.Entrypoint 0}}' "$image")
fi

"$run" "$entrypoint" --version
"$run" /bin/cat /version
"$run" /opt/venv/bin/python -m morbids.simulation /mnt/bids --participants 3 --voxel-mm 6 --seed 1
"$run" /bin/chmod -R a-w /mnt/bids
"$run" "$entrypoint" /mnt/bids /mnt/out participant --work-dir /mnt/work --nprocs 2
"$run" "$entrypoint" /mnt/bids /mnt/out group --work-dir /mnt/work --nprocs 2

for expected in dataset_description.json sub-01.html group.html; do
    [ -s "$study/out/$expected" ] || { echo "smoke_image: no $expected in the output directory" >&2; exit 1; }
done
find "$study/out" -name '*_mimap.nii.gz' | grep -q . || { echo "smoke_image: no parametric map was written" >&2; exit 1; }
find "$study/out/group" -name '*_statmap.nii.gz' | grep -q . || { echo "smoke_image: no group map was written" >&2; exit 1; }
echo "smoke_image: participant and group ran read-only, without network, as user $user"
