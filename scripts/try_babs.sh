#!/usr/bin/env bash
# Try docs/babs.yaml with BABS and DataLad on a real Slurm of one node: scripts/try_babs.sh [DIRECTORY]   (Debian, as root; default build/babs)
#
# Two coarse participants, simulated, as a DataLad dataset; the commands of docs/hpc.md with the folders of this trial. `singularity` is
# scripts/stand_in_engine.sh on the image of scripts/build_image.sh, which must have been built.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
room=$(realpath -m "${1:-build/babs}")
[ -d build/image/rootfs ] || { echo "try_babs: scripts/build_image.sh comes first" >&2; exit 1; }
. scripts/start_slurm.sh
trap stop_slurm EXIT
if [ -e "$room" ]; then chmod -R u+w "$room" && rm -rf "$room"; fi  # git-annex takes rights to write away
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends git git-annex p7zip-full bubblewrap >/dev/null
start_slurm "$room/slurm"

python=$(PYTHON="${PYTHON:-}" sh scripts/find_python.sh)
"$python" -m venv "$room/env"
"$room/env/bin/python" -m pip install --quiet babs==0.5.4 datalad==1.7.1 datalad-container==1.2.6
mkdir "$room/bin" "$room/scratch"
ln -s "$root/scripts/stand_in_engine.sh" "$room/bin/singularity"
PYTHONPATH=$root .venv/bin/python -m morbids.simulation "$room/bids" --participants 2 --tasks rejection --voxel-mm 8 --t1w-voxel-mm 3 --seed 1
rm -rf "$room/bids/derivatives"

# Jobs of BABS get nothing of the caller's environment: what they need stands in script_preamble.
export HOME=$room PATH=$room/bin:$room/env/bin:$PATH
cd "$room"
git config --global user.name trial
git config --global user.email trial@localhost
datalad create --force -c text2git bids
datalad save -d bids -m "Simulated study"
datalad create containers
echo "bubblewrap runs the root file system instead" >image.sif
datalad containers-add -d containers --url "$room/image.sif" morbids-0-2-0
sed -e "s|<DATALAD_DATASET>|$room/bids|; s|<SCRATCH>|$room/scratch|; s|<ACCOUNT>|lab|; s|source activate babs|export HOME=$HOME PATH=$PATH|" \
    "$root/docs/babs.yaml" >babs.yaml

as_documented() {  # BEGINNING of a command of docs/hpc.md, run with the folders of this trial
    local line
    line=$("$root/scripts/take_command.sh" "$root/docs/hpc.md" "$1" /data/containers "$room/containers" /scratch/babs "$room/project")
    echo "try_babs: $line"
    eval "$line"
}
as_documented "babs init"
as_documented "babs check-setup"
as_documented "babs submit"
wait_for_jobs
as_documented "babs status"
as_documented "babs merge"

datalad clone "ria+file://$room/project/output_ria#~data" merged
datalad -C merged get .
for label in 01 02; do
    grep -q "morbids/sub-$label.html" <<<"$(7z l "merged/sub-${label}_morbids-0-2-0.zip")" || { echo "try_babs: no page of sub-$label" >&2; exit 1; }
done
echo "try_babs: BABS ran two jobs on Slurm and merged their zips"
