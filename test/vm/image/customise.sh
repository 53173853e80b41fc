#!/bin/sh
# Runs inside the new root file system, after the packages and files are in place.
set -eu

echo debian >/etc/hostname
printf '127.0.0.1 localhost debian\n' >/etc/hosts
mkdir -p /opt/sriovctl /mnt/share
passwd -d root >/dev/null

# GRUB's packages create this file only when they install a boot loader, which the image brings itself.
# The kernel arguments are those that qemu.ts gives a guest without GRUB.
defaults=/usr/share/grub/default/grub
if [ -e "$defaults" ]; then
  sed -e 's/^GRUB_TIMEOUT=.*/GRUB_TIMEOUT=0/' -e 's/^GRUB_CMDLINE_LINUX_DEFAULT=.*/GRUB_CMDLINE_LINUX_DEFAULT=""/' \
    -e 's/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX="console=ttyS0 no_timer_check highres=off nohz=off"/' "$defaults" >/etc/default/grub
  mkdir -p /boot/grub
fi

# Of a kernel's whole source one driver is wanted; the rest would fill the disk.
for source in /usr/src/linux-source-*.tar.xz; do
  [ -e "$source" ] || continue
  mkdir /usr/src/igbvf
  tar -xf "$source" -C /usr/src/igbvf --strip-components=6 --wildcards 'linux-source-*/drivers/net/ethernet/intel/igbvf/*'
  rm "$source"
done

systemctl enable sriovctl-vm-agent.service
systemctl set-default multi-user.target
# Nothing here is looked at by a test, and each costs boot time under emulation or wakes up in the middle of a run.
systemctl mask \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  systemd-tmpfiles-clean.timer grub-common.service systemd-logind.service systemd-user-sessions.service \
  console-getty.service getty-static.service getty@tty1.service serial-getty@ttyS0.service \
  ldconfig.service systemd-hwdb-update.service systemd-journal-catalog-update.service systemd-update-done.service \
  systemd-networkd.service systemd-networkd-wait-online.service systemd-pstore.service \
  systemd-pcrmachine.service systemd-tpm2-setup-early.service systemd-tpm2-setup.service \
  dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount \
  modprobe@configfs.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service
