#!/usr/bin/env bash
# A real SLURM cluster of one node on this machine, without systemd: munge, slurmctld, slurmd. As root, on a machine
# without a cluster of its own: the configuration has to lie in /etc/slurm (srun in a job step knows no other place).
#   bash tests/slurm/cluster.sh up | down | install
#
# The node poses as 8 CPUs and 2 GPUs (/dev/null and /dev/zero). Partitions: cpu (default), gpu, and urgent, whose jobs
# preempt those of the others, which are requeued. Jobs over their memory are killed; time limits are whole minutes.
set -euo pipefail

state=/var/spool/labelnoise-slurm
host=$(hostname -s)
mark="# labelnoise test cluster"

install_packages() {
  command -v slurmctld slurmd munged >/dev/null && return
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge
}

configure() {
  if [ -e /etc/slurm/slurm.conf ] && ! grep -q "$mark" /etc/slurm/slurm.conf; then
    echo "/etc/slurm/slurm.conf is another cluster's: it is left alone and no test cluster is started" >&2
    exit 1
  fi
  mkdir -p /etc/slurm "$state"/{ctld,d} /run/munge
  cat >/etc/slurm/slurm.conf <<EOF
$mark
ClusterName=labelnoise
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
StateSaveLocation=$state/ctld
SlurmdSpoolDir=$state/d
SlurmctldPidFile=$state/ctld.pid
SlurmdPidFile=$state/d.pid
SlurmctldLogFile=$state/ctld.log
SlurmdLogFile=$state/d.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MinJobAge=300
KillWait=20
ReturnToService=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=8 RealMemory=12000 Gres=gpu:2 State=UNKNOWN
PartitionName=cpu Nodes=$host Default=YES PriorityTier=1 DefMemPerCPU=500
PartitionName=gpu Nodes=$host PriorityTier=1 DefMemPerCPU=500
PartitionName=urgent Nodes=$host PriorityTier=10 DefMemPerCPU=500 PreemptMode=OFF
EOF
  echo "NodeName=$host Name=gpu File=/dev/null,/dev/zero" >/etc/slurm/gres.conf
}

down() {
  for name in slurmd slurmctld; do
    pkill -x "$name" 2>/dev/null || true
  done
  for _ in $(seq 50); do
    pgrep -x slurmd >/dev/null || pgrep -x slurmctld >/dev/null || return 0
    sleep 0.2
  done
  pkill -KILL -x slurmd || true
  pkill -KILL -x slurmctld || true
}

up() {
  configure
  down
  rm -rf "$state"/ctld/* "$state"/d/*
  if ! pgrep -x munged >/dev/null; then
    [ -s /etc/munge/munge.key ] || (umask 077 && dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none)
    chown -R munge:munge /etc/munge /run/munge
    setpriv --reuid munge --regid munge --clear-groups munged --force
  fi
  slurmctld
  slurmd
  for _ in $(seq 100); do
    sinfo -h -p cpu -o %T 2>/dev/null | grep -q idle && exit 0
    sleep 0.2
  done
  echo "the cluster did not come up; see $state/ctld.log and $state/d.log" >&2
  tail -n 20 "$state"/ctld.log "$state"/d.log >&2
  exit 1
}

# Without a cluster, whatever asks for one (Snakemake's plugin does, at every start) would wait for seconds.
forget() {
  if grep -qs "$mark" /etc/slurm/slurm.conf; then
    rm -f /etc/slurm/slurm.conf /etc/slurm/gres.conf
  fi
}

case "${1:-}" in
  install) install_packages ;;
  up) up ;;
  down) down && forget ;;
  *) sed -n '2,8p' "$0" >&2; exit 2 ;;
esac
