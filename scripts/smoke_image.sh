#!/usr/bin/env bash
# Run the image as a cluster or a cautious user would: scripts/smoke_image.sh [IMAGE]
#
# Read-only, without network, as a user that the image does not know, with an unwritable HOME and 64 MB of /tmp without exec (as Apptainer gives): simulate
# a tiny study, run one participant by the lines of docs/hpc.md, then participant and group (the dataset is read-only by then), and check what came out.
# IMAGE is a root file system written by scripts/build_image.sh (default build/image/rootfs): scripts/stand_in_engine.sh runs it in the place of docker and
# apptainer. Or it is the name of an image that docker knows: then Apptainer's line, which needs an image of its own kind, is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
image=${1:-build/image/rootfs}
user=12345
study=$(mktemp -d "${TMPDIR:-/tmp}/morbids-smoke.XXXXXX")
ready=''
# What was written there belongs to the image's user, who takes it away: nobody else may.
cleanup() {
    [ -z "$ready" ] || inside /bin/sh -c 'chmod -R u+w /mnt/*; rm -rf /mnt/*' 2>/dev/null || true
    rm -rf "$study"
}
trap cleanup EXIT
mkdir "$study/bids" "$study/out" "$study/work" "$study/scratch" "$study/derivatives"
chown -R "$user:$user" "$study" 2>/dev/null || chmod -R a+rwX "$study"
if [ -d "$image" ]; then
    ROOTFS=$(realpath "$image")
    export ROOTFS ENGINE_USER=$user:$user PATH=$study/engines:$PATH
    image=morbids
    command -v bwrap >/dev/null || { apt-get update -qq && apt-get install -qq --yes --no-install-recommends bubblewrap; }
    mkdir "$study/engines"
    for engine in docker apptainer; do ln -s "$PWD/scripts/stand_in_engine.sh" "$study/engines/$engine"; done
fi

inside() {  # ENTRYPOINT ARGUMENT...
    local entrypoint=(--entrypoint "$1")
    [ "$1" != morbids ] || entrypoint=()
    shift
    docker run --rm --read-only --tmpfs /tmp:rw,noexec,size=64m --network none --user "$user:$user" --env HOME=/nowhere -v "$study:/mnt" \
        "${entrypoint[@]}" "$image" "$@"
}

as_documented() {  # BEGINNING of a command of docs/hpc.md, run with these folders, for the image's user
    local line
    line=$(scripts/take_command.sh docs/hpc.md "$1" /data/study "$study/bids" /data/derivatives "$study/derivatives" \
        /scratch/work "$study/scratch" '"$TMPDIR"' "$study/scratch" '$(id -u):$(id -g)' "$user:$user" ' morbids /bids' " $image /bids")
    echo "smoke_image: $line"
    eval "$line"
}

inside morbids --version
ready=yes
inside /bin/cat /version
inside /opt/venv/bin/python -m morbids.simulation /mnt/bids --participants 3 --tasks rejection --voxel-mm 6 --seed 1
inside /bin/chmod -R a-w /mnt/bids
as_documented "docker run"
[ -z "${ROOTFS:-}" ] || as_documented "apptainer run"
inside morbids /mnt/bids /mnt/out participant --work-dir /mnt/work --nprocs 2
inside morbids /mnt/bids /mnt/out group --work-dir /mnt/work --nprocs 2

for expected in derivatives/morbids/sub-01.html out/dataset_description.json out/sub-01.html out/group.html; do
    [ -s "$study/$expected" ] || { echo "smoke_image: no $expected was written" >&2; exit 1; }
done
[ -n "$(find "$study/out" -name "*_mimap.nii.gz" -print -quit)" ] || { echo "smoke_image: no parametric map was written" >&2; exit 1; }
[ -n "$(find "$study/out/group" -name "*_statmap.nii.gz" -print -quit)" ] || { echo "smoke_image: no group map was written" >&2; exit 1; }
echo "smoke_image: participant and group ran read-only, without network, as user $user"
