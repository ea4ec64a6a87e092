#!/bin/bash
# usage: machine.sh OUT JOB - run the script JOB where Podman can run containers, in a mount namespace and with
# a storage of its own that is thrown away. Its output goes to OUT/job.log, its exit code to OUT/rc. Needs root.
set -eu
out=$1 job=$2
exec timeout --kill-after=5 "${MACHINE_SECONDS:-120}" unshare --fork --pid --mount --kill-child --mount-proc \
  bash -eu -s "$out" "$job" <<'IN'
out=$1 job=$2
mount --make-rprivate /
# Not of both versions at once, which crun does not take.
umount --recursive /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs tmpfs /mnt
mkdir -p /mnt/bin /mnt/fs/{bin,data,dev,etc,proc,run,sys,tmp,usr,lib,lib64} /mnt/run /mnt/root
cat > /mnt/bin/podman <<'PODMAN'
#!/bin/sh
exec /usr/bin/podman --root /mnt/root --runroot /mnt/run --storage-driver vfs --cgroup-manager cgroupfs \
  --events-backend file --runtime crun "$@"
PODMAN
chmod 755 /mnt/bin/podman
# Without Docker, if it is outside of the distribution's packages.
export PATH=/mnt/bin:/usr/sbin:/usr/bin:/sbin:/bin
set +e
bash -eu "$job" > "$out/job.log" 2>&1
echo $? > "$out/rc"
IN
