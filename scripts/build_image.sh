#!/usr/bin/env bash
# Build the container image without a container engine, from Debian packages alone: scripts/build_image.sh [DIRECTORY]
#
# Debian, as root. DIRECTORY (default build/image) receives
#   rootfs/      the image's root file system      env, entrypoint   what its configuration holds
#   packages.txt every package in it, with its version
#   morbids.tar  the image, for `docker load` and `apptainer build` (with ARCHIVE=1)
# The Dockerfile's base, named by digest, is in a registry: here Debian's packages of today stand in for it. With an engine at hand,
# `docker build --build-arg VERSION=$(cat version) -t morbids .` does the same on the base that is named.
# Everything that is written lies in DIRECTORY: its largest size is told at the end, and more than 8 GB is an error (what is kept in DIRECTORY/store
# serves the next time; BUILDAH_LAYERS=true keeps more of it, and takes more).
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-build/image}")
base=localhost/debian:bookworm-slim
image=localhost/morbids
most_peak_mb=8000
most_image_mb=1300
export STORAGE_DRIVER=vfs DEBIAN_FRONTEND=noninteractive CONTAINERS_STORAGE_CONF=$out/storage.conf TMPDIR=$out/tmp

if [ "$(id -u)" -ne 0 ]; then
    echo "scripts/build_image.sh must run as root (mmdebstrap and buildah change owners of files)." >&2
    exit 1
fi

missing=()
for tool in buildah podman mmdebstrap; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get update -qq
    apt-get install -qq --yes --no-install-recommends "${missing[@]}"
fi

mkdir -p "$out/tmp"
printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' "$out/store" "$out/run" >"$CONTAINERS_STORAGE_CONF"
rm -f "$out/peak"
keep_peak() {  # in MB of disk, until it is killed
    local now peak=0
    while true; do
        now=$(du -s --block-size=1MB "$out" 2>/dev/null | cut -f1) || true
        if [ "$now" -gt "$peak" ]; then
            peak=$now
            echo "$peak" >"$out/peak"
        fi
        sleep 3
    done
}
keep_peak &
watching=$!
container=''
cleanup() {
    kill "$watching" 2>/dev/null || true
    [ -z "$container" ] || buildah rm "$container" >/dev/null
    rm -rf "$out/base.tar" "$out/tmp"
}
trap cleanup EXIT

if ! podman image exists "$base"; then
    # As the published `slim` images: no manuals, no translations, no lists of packages.
    exclude=()
    for folder in doc info locale man; do exclude+=("--dpkgopt=path-exclude=/usr/share/$folder/*"); done
    mmdebstrap --quiet --variant=minbase --include=ca-certificates "${exclude[@]}" \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' bookworm "$out/base.tar"
    podman import --quiet "$out/base.tar" "$base" >/dev/null
fi

# The machine's own certificates, so that a package index behind a proxy is trusted while building, and only then.
certificates=/etc/ssl/certs/ca-certificates.crt
buildah bud --isolation chroot --pull-never --build-arg "BASE=$base" --build-arg "VERSION=$(cat version)" \
    --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)" --build-arg "CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
    --build-arg "TEMPLATES=${TEMPLATES:-embedded}" \
    -v "$certificates:$certificates:ro" -t "$image" .

rm -rf "$out/rootfs"
container=$(buildah from --pull-never "$image")
cp -a "$(buildah mount "$container")" "$out/rootfs"
podman image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$image" | sed '/^$/d' >"$out/env"
podman image inspect --format '{{range .Config.Entrypoint}}{{println .}}{{end}}' "$image" | sed '/^$/d' >"$out/entrypoint"
if [ "${ARCHIVE:-0}" = 1 ]; then
    rm -f "$out/morbids.tar"
    podman save --quiet --format docker-archive --output "$out/morbids.tar" "$image"
fi
cp "$out/rootfs/opt/morbids/packages.txt" "$out/packages.txt"
image_mb=$(du -s --bytes --block-size=1MB "$out/rootfs" | cut -f1)
peak_mb=$(cat "$out/peak")
echo "Image $image: $image_mb MB in $out/rootfs, $(wc -l <"$out/packages.txt") packages; building took up to $peak_mb MB of disk"
[ "$image_mb" -le "$most_image_mb" ] || { echo "build_image: the image holds more than $most_image_mb MB" >&2; exit 1; }
[ "$peak_mb" -le "$most_peak_mb" ] || { echo "build_image: building took more than $most_peak_mb MB" >&2; exit 1; }
