#!/bin/bash
# usage: boot.sh OUT JOB - run the script JOB under a real systemd as PID 1, in namespaces that are thrown away.
# Its output goes to OUT/job.log, its exit code to OUT/rc. Needs root, systemd and dbus.
set -eu
out=$1 job=$2
exec timeout --kill-after=5 "${BOOT_SECONDS:-180}" unshare --fork --pid --mount --uts --ipc --net --cgroup \
  --kill-child bash -eu -s "$out" "$job" <<'IN'
out=$1 job=$2
mount --make-rprivate /
base=/mnt
mount -t tmpfs tmpfs $base
mkdir $base/upper $base/work $base/root
# The machine's own files, writable without a trace.
mount -t overlay overlay -o lowerdir=/,upperdir=$base/upper,workdir=$base/work $base/root
cd $base/root
mount -t proc proc proc
mount --rbind /dev dev
mount --make-rslave dev
for folder in run var/log var/tmp sys; do mount -t tmpfs tmpfs $folder; done
mkdir -p sys/fs/cgroup
mount -t tmpfs tmpfs sys/fs/cgroup
mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
mount -t cgroup -o none,name=systemd,xattr cgroup sys/fs/cgroup/systemd
mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
for unit in tmpfiles-setup tmpfiles-setup-dev tmpfiles-clean udevd logind update-utmp; do
  ln -sf /dev/null etc/systemd/system/systemd-$unit.service
done
cp "$job" root/job.sh
mkdir -p out
mount --bind "$out" out
cat > etc/systemd/system/job.service <<'UNIT'
[Unit]
After=basic.target dbus.service
Wants=dbus.service
[Service]
Type=oneshot
ExecStart=/bin/bash -c 'bash -eu /root/job.sh; echo $? > /out/rc; systemctl poweroff --force --force > /dev/null 2>&1'
StandardOutput=file:/out/job.log
StandardError=file:/out/job.log
UNIT
export container=test
exec chroot . /lib/systemd/systemd --system --unit=job.service --log-target=console --log-level=warning
IN
