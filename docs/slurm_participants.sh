#!/bin/bash
#SBATCH --job-name=morbids
#SBATCH --cpus-per-task=2
#SBATCH --mem=6G
#SBATCH --time=02:00:00
#SBATCH --output=morbids_%A_%a.log
# One participant per array element. BIDS, OUT, WORK and IMAGE are set by the caller (docs/hpc.md).
set -euo pipefail
: "${BIDS:?the dataset}" "${OUT:?the output directory}" "${WORK:?the work directory}" "${IMAGE:?the Apptainer image}"

mapfile -t participants < <(find "$BIDS" -mindepth 1 -maxdepth 1 -name 'sub-*' -printf '%f\n' | sort)
participant=${participants[SLURM_ARRAY_TASK_ID - 1]}
mkdir -p "$OUT" "$WORK/$participant"

apptainer run --cleanenv --bind "$BIDS:$BIDS:ro,$OUT,$WORK" "$IMAGE" "$BIDS" "$OUT" participant \
    --participant-label "$participant" --work-dir "$WORK/$participant" \
    --nprocs "$SLURM_CPUS_PER_TASK" --omp-nthreads "$SLURM_CPUS_PER_TASK" --mem-gb 5
