#!/bin/bash
#SBATCH --job-name=morbids-group
#SBATCH --requeue
#SBATCH --open-mode=append
# The group level, submitted by submit.sh: group.sh FOLDER
set -uo pipefail
FOLDER=$1
. "$FOLDER/settings.sh"
exec "${MORBIDS[@]}" "$BIDS" "$OUT" group --work-dir "$WORK/group" --nprocs "$GROUP_CPUS" --mem-gb "$GROUP_STEPS_GB" \
    "${GROUP_OPTIONS[@]}"
