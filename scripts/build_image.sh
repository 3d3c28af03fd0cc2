#!/usr/bin/env bash
# Build the container image without a container engine, from Debian packages alone: scripts/build_image.sh [DIRECTORY]
#
# Debian, as root. DIRECTORY (default build/image) receives
#   rootfs/      the image's root file system      env, entrypoint   what its configuration holds
#   packages.txt every package in it, with its version
#   morbids.tar  the image, for `docker load` and `apptainer build` (with ARCHIVE=1)
# The Dockerfile's base, named by digest, is in a registry: here Debian's packages of today stand in for it. With an engine at hand,
# `docker build --build-arg VERSION=$(cat version) -t morbids .` does the same on the base that is named. BUILDAH_LAYERS=true keeps what was built
# for the next time, at the price of disk.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-build/image}")
base=localhost/debian:bookworm-slim
image=localhost/morbids
export STORAGE_DRIVER=vfs DEBIAN_FRONTEND=noninteractive

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

mkdir -p "$out"
container=''
cleanup() {
    [ -z "$container" ] || buildah rm "$container" >/dev/null
    rm -f "$out/base.tar"
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
bytes=$(du -s --bytes "$out/rootfs" | cut -f1)
echo "Image $image: $((bytes / 1000000)) MB ($((bytes / 1048576)) MiB) in $out/rootfs, $(wc -l <"$out/packages.txt") packages"
