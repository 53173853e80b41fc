#!/bin/sh
# Installs what the VM tests need on Debian 12 or newer, or Ubuntu 24.04 or newer. Run as root; does nothing when
# all is there. QEMU has to be 8.2 or newer: older ones do not emulate an igb card that Linux sees both ports of.
set -eu

minimum_qemu=8.2
packages='qemu-utils mmdebstrap e2fsprogs ovmf mtools dosfstools gdisk grub-efi-amd64-bin grub-common
  debian-archive-keyring zstd ca-certificates'
export DEBIAN_FRONTEND=noninteractive

main() {
  # shellcheck disable=SC2086 # a list of words
  missing=$(missing_of $packages)
  if [ -n "$missing" ] || ! qemu_is_new_enough; then
    if [ "$(id -u)" -ne 0 ]; then
      echo "install-prerequisites.sh: run as root to install QEMU >= $minimum_qemu and: $packages" >&2
      exit 1
    fi
    install_all
  fi
  qemu_is_new_enough || {
    echo "install-prerequisites.sh: this distribution offers no QEMU >= $minimum_qemu" >&2
    exit 1
  }
}

install_all() {
  suite=''
  quiet_apt update
  if ! candidate_is_new_enough; then
    enable_backports
    suite=$(codename)-backports
    quiet_apt update
  fi
  # shellcheck disable=SC2086
  [ -z "$missing" ] || quiet_apt install $missing
  qemu_is_new_enough || quiet_apt install ${suite:+-t "$suite"} qemu-system-x86 qemu-utils
}

quiet_apt() {
  log=$(mktemp)
  case $1 in
    install) shift && set -- install --yes --no-install-recommends "$@" ;;
  esac
  if ! apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -q "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
}

# Writes a second sources file from the first stanza of the machine's own, so that its mirror is used.
enable_backports() {
  sources=/etc/apt/sources.list.d/debian.sources
  target=/etc/apt/sources.list.d/$(codename)-backports.sources
  [ -e "$target" ] && return
  [ -e "$sources" ] || {
    echo "install-prerequisites.sh: $sources is missing: enable $(codename)-backports yourself, for QEMU >= $minimum_qemu" >&2
    exit 1
  }
  awk -v suite="$(codename)-backports" '
    /^[[:space:]]*$/ { if (seen) exit; next }
    { seen = 1 }
    /^Suites:/ { print "Suites: " suite; next }
    { print }' "$sources" >"$target"
}

missing_of() {
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || printf '%s ' "$package"
  done
}

qemu_is_new_enough() {
  version=$(dpkg-query -W -f '${Version}' qemu-system-x86 2>/dev/null) && at_least_minimum "$version"
}

candidate_is_new_enough() {
  version=$(apt-cache policy qemu-system-x86 | awk '$1 == "Candidate:" { print $2 }')
  [ -n "$version" ] && at_least_minimum "$version"
}

at_least_minimum() {
  dpkg --compare-versions "${1#*:}" ge "$minimum_qemu"
}

codename() {
  # shellcheck disable=SC1091
  . /etc/os-release && echo "$VERSION_CODENAME"
}

main "$@"
