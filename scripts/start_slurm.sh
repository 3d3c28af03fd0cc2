#!/usr/bin/env bash
# Source it: start_slurm FOLDER starts a Slurm of this machine alone (Debian, as root), whose files lie in FOLDER; stop_slurm ends it and its jobs.
started=()
stop_slurm() {
    squeue --noheader --format %A 2>/dev/null | xargs -r scancel 2>/dev/null && sleep 2 || true
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
}

start_slurm() {
    local folder=$1 port=$((20000 + $$ % 20000)) name memory tool missing=()
    [ "$(id -u)" -eq 0 ] || { echo "start_slurm: must run as root (slurmd starts jobs of users)" >&2; return 1; }
    for tool in slurmctld slurmd munged; do
        command -v "$tool" >/dev/null || missing+=("${tool/munged/munge}")
    done
    if [ "${#missing[@]}" -gt 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${missing[@]}" slurm-client
    fi
    mkdir -p "$folder"/{state,spool}
    export SLURM_CONF=$folder/slurm.conf
    name=$(hostname -s)
    memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
    cat >"$SLURM_CONF" <<CONF
ClusterName=trial
SlurmctldHost=$name(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmdPidFile=$folder/slurmd.pid
SlurmctldPidFile=$folder/slurmctld.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc --all) RealMemory=$memory
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 status=none
    chmod 400 "$folder/munge.key"
    munged --force --foreground --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" &
    started+=($!)
    slurmctld -D -i >/dev/null 2>&1 &
    started+=($!)
    slurmd -D -N "$name" >/dev/null 2>&1 &
    started+=($!)
    for _ in $(seq 60); do
        srun --immediate=5 hostname >/dev/null 2>&1 && break
        sleep 1
    done
    srun hostname >/dev/null 2>&1 || { tail -n 20 "$folder"/*.log >&2; return 1; }
}

wait_for_jobs() { while [ "$(squeue --noheader --array | wc -l)" -gt 0 ]; do sleep 2; done; }
