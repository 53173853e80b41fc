/**
 * What every boot script starts with: plain POSIX sh, held to shellcheck, dash, busybox and bash. It
 * reads and writes with the shell's own means, since each program started costs milliseconds of the
 * boot. All waits have a deadline. SRIOVCTL_ROOT is the folder that stands for the root in tests.
 */
export const shellFunctions = String.raw`set -u
export LC_ALL=C PATH="${'$'}{PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin"
root=${'$'}{SRIOVCTL_ROOT:-}
functions=$root/sys/bus/pci/devices
drivers=$root/sys/bus/pci/drivers
failed=0

# log PRIORITY TEXT: the journal takes <N> for the priority (sd-daemon(3)).
log() {
  if [ -n "${'$'}{JOURNAL_STREAM:-}" ]; then printf '<%s>%s: %s\n' "$1" "$address" "$2"
  else printf '%s: %s\n' "$address" "$2"; fi
}

# fail TEXT: nothing more is done for this PF.
fail() {
  failed=1
  log 3 "$1"
  return 1
}

# Hundredths of a second since the boot, as $now.
clock() {
  read -r now _ </proc/uptime
  now=$((${'$'}{now%.*} * 100 + 1${'$'}{now#*.} - 100))
}

# await DEADLINE COMMAND…: until it succeeds; fails at the deadline.
await() {
  until=$1
  shift
  until "$@"; do
    clock
    [ "$now" -lt "$until" ] || return 1
    sleep 0.1
  done
}

# within SECONDS COMMAND…
within() {
  clock
  until=$((now + $1 * 100))
  shift
  await "$until" "$@"
}

# lock: shared by scripts like this one; fails while a run of sriovctl holds it (flock(2)). Where there
# is no flock, scripts go on without.
lock() {
  flock -n -s 9 2>/dev/null
  [ "$?" -ne 1 ]
}

# after_run SECONDS PF…: takes the lock of which sriovctl takes the whole, so that no run begins while
# this script works. One that is under way comes first: when it gives a PF its driver, it also gives it
# its VFs. It may have put another script in the place of this one, which counts then, or have taken it
# away.
after_run() {
  [ -d "$root/run/sriovctl" ] || (umask 077 && mkdir -p "$root/run/sriovctl")
  command exec 9<>"$root/run/sriovctl/lock" || return 0
  ! lock || return 0
  patience=$1
  shift
  address=$*
  log 6 'a run of sriovctl is under way and comes first'
  if ! within "$patience" lock; then
    log 4 "that run has not ended in $patience s: it is left to it"
    exit 0
  fi
  [ -e "$0" ] || exit 0
  exec sh "$0" "$@"
}

# value_of FILE: its first line as $value; empty if it cannot be read.
value_of() {
  value=
  read -r value <"$1"
} 2>/dev/null

# netdev_of FOLDER: the function's netdev as $netdev, whatever it is called today. In switchdev mode
# representors stand beside the PF's own, which has no port name, or p0.
netdev_of() {
  for netdev in "$1"/net/*; do
    [ -e "$netdev/address" ] || continue
    value_of "$netdev/phys_port_name"
    netdev=${'$'}{netdev##*/}
    case $value in '' | p[0-9] | p[0-9][0-9]) return ;; esac
  done
  return 1
}

# The PF has a netdev that udev is done with: a rename fails in older kernels once it is up.
named() {
  netdev_of "$pf" || return
  [ -e "$root/run/udev/control" ] || return 0
  value_of "$pf/net/$netdev/ifindex"
  [ -e "$root/run/udev/data/n$value" ]
}

# The card's own MAC of $netdev as $value, whatever it has been given since.
permanent_mac() {
  value_of "$pf/net/$netdev/addr_assign_type"
  case $value in
    0) value_of "$pf/net/$netdev/address" ;;
    *)
      value=$(ip -d link show dev "$netdev")
      case $value in
        *'permaddr '*) value=${'$'}{value##*permaddr } value=${'$'}{value%%[!0-9a-f:]*} ;;
        *) value_of "$pf/net/$netdev/address" ;;
      esac
      ;;
  esac
}

# absent MAC: no card at this address.
absent() {
  for file in "$root"/sys/class/net/*/address; do
    value_of "$file"
    [ "$value" = "$1" ] || continue
    file=${'$'}{file%/address}
    fail "the card has moved: its MAC $1 is that of ${'$'}{file##*/} now. Nothing is done; run sriovctl setup again"
    return
  done
  log 3 'there is no card at this address: nothing is done'
  return 1
}

# another WHAT: a card that was swapped is not ours to touch.
another() {
  fail "another card is at this address: $1. It is left alone; run sriovctl setup again to take it on"
}

# with_driver MODULE: waited for only where its module is there; a driver that comes later starts the
# unit of the PF.
with_driver() {
  [ ! -e "$pf/driver" ] || return 0
  # -b: as for udev, a blacklist counts.
  modprobe -q -b -- "$1"
  if [ -e "$root/sys/module/$1" ] || [ -e "$drivers/$1" ]; then
    ! await "$driver_by" test -e "$pf/driver" || return 0
  fi
  log 4 'no driver has taken it yet: no VFs for now'
  return 1
}

# find_pf VENDOR DEVICE MAC MODULE: the very card that was set up, with its driver and netdev.
find_pf() {
  pf=$functions/$address given=
  await "$card_by" test -e "$pf/vendor" || absent "$3" || return
  value_of "$pf/vendor"
  vendor=${'$'}{value#0x}
  value_of "$pf/device"
  [ "$vendor:${'$'}{value#0x}" = "$1:$2" ] || another "$vendor:${'$'}{value#0x} instead of $1:$2" || return
  with_driver "$4" || return
  [ "$3" != none ] || return 0
  within 15 named || netdev_of "$pf" || fail 'its driver has made no netdev' || return
  permanent_mac
  [ "$value" = "$3" ] || another "MAC $value instead of $3"
}

# without_vfs COUNT: VFs that are there already are never touched.
without_vfs() {
  value_of "$pf/sriov_numvfs"
  case $value in
    0) ;;
    "$1")
      log 6 "it has its $1 VFs already"
      return 1
      ;;
    '') fail 'it cannot do SR-IOV now' ;;
    *) fail "it has $value VFs already, $1 are to be made: left as it is" ;;
  esac
}

# make_vfs COUNT
make_vfs() {
  clock
  asked_at=$now
  problem=$(printf '%s\n' "$1" | tee "$pf/sriov_numvfs" 2>&1 >/dev/null) ||
    fail "cannot make $1 VFs: ${'$'}{problem##*: } (the kernel's log may tell more)" || return
  value_of "$pf/sriov_numvfs"
  [ "$value" = "$1" ] || fail "$1 VFs were asked for, the driver has made $value" || return
  clock
  vfs_by=$((now + 3000 + 150 * $1))
  vf=0
  while [ "$vf" -lt "$1" ]; do
    await "$vfs_by" test -e "$pf/virtfn$vf/vendor" || fail "VF $vf has not appeared" || return
    vf=$((vf + 1))
  done
  clock
  log 5 "$1 VFs made in $(((now - asked_at) * 10)) ms"
}

# load MODULE
load() {
  [ -e "$root/sys/module/$1" ] || modprobe -- "$1" || fail "cannot load the module $1"
}

# attribute FILE VALUE: FILE is below the PF's folder.
attribute() {
  [ -e "$pf/$1" ] || fail "there is no $1" || return
  printf '%s\n' "$2" >"$pf/$1" || fail "cannot write '$2' to $1 (the kernel's log may tell more)"
}

# host_attribute PATH VALUE
host_attribute() {
  [ -e "$root$1" ] || fail "there is no $1" || return
  printf '%s\n' "$2" >"$root$1" || fail "cannot write '$2' to $1 (the kernel's log may tell more)"
}

# need_netdev FOLDER: the netdev of the PF (.) or of a VF (virtfnN) as $netdev.
need_netdev() {
  within 10 netdev_of "$pf/$1" || fail "$1 has no netdev"
}

# netdev_attribute FOLDER ATTRIBUTE VALUE
netdev_attribute() {
  need_netdev "$1" || return
  attribute "$1/net/$netdev/$2" "$3"
}

# set_link FOLDER up|down
set_link() {
  need_netdev "$1" || return
  ip link set dev "$netdev" "$2" || fail "cannot set $netdev $2"
}

# set_vfs SETTINGS…: of VFs, as ip-link(8) takes them after the PF's netdev.
set_vfs() {
  need_netdev . || return
  given="$given $*"
  for settings; do printf 'link set dev %s %s\n' "$netdev" "$settings"; done | ip -batch - ||
    fail 'cannot set up the VFs'
}

# The PCI address of a VF's folder as $vf_address.
address_of() {
  while IFS='=' read -r name vf_address; do
    [ "$name" != PCI_SLOT_NAME ] || return 0
  done <"$pf/$1/uevent"
  fail "$1 has no PCI address"
}

# probe FOLDER DRIVER: success of the write does not mean that a driver has taken it.
probe() {
  address_of "$1" || return
  printf '%s\n' "$vf_address" >"$root/sys/bus/pci/drivers_probe" || fail "cannot probe $vf_address" || return
  [ -n "$2" ] || return 0
  within 10 test -e "$drivers/$2/$vf_address" || fail "the driver $2 has not taken VF $vf_address" || return
  case $given in *"vf $vf mac "*) ;; *) return 0 ;; esac
  mac=${'$'}{given##*"vf $vf mac "}
  with_mac "$1" "$2" "${'$'}{mac%% *}"
}

# with_mac FOLDER DRIVER MAC: a driver asks for its VF's MAC when it takes the VF, and never again. One
# that gets no answer (igbvf, when the link of the port comes up in that moment) makes a MAC up, and the
# PF takes that over from a VF that it trusts.
with_mac() {
  need_netdev "$1" || return
  value_of "$pf/$1/net/$netdev/address"
  [ "$value" != "$3" ] || return 0
  log 5 "VF $vf has made up the MAC $value: it is bound again"
  unbind "$1" || return
  set_vfs "vf $vf mac $3" || return
  bind "$1" "$2"
}

# unbind FOLDER
unbind() {
  address_of "$1" || return
  [ -e "$pf/$1/driver" ] || return 0
  printf '%s\n' "$vf_address" >"$pf/$1/driver/unbind" || fail "cannot take VF $vf_address from its driver" || return
  within 30 test ! -e "$pf/$1/driver" || fail "its driver has not let go of VF $vf_address"
}

# bind FOLDER DRIVER: udev may have loaded another driver meanwhile, which has taken the VF.
bind() {
  address_of "$1" || return
  [ ! -e "$drivers/$2/$vf_address" ] || return 0
  unbind "$1" || return
  printf '%s\n' "$vf_address" >"$drivers/$2/bind" || fail "the driver $2 does not take VF $vf_address" || return
  within 10 test -e "$drivers/$2/$vf_address" || fail "the driver $2 has not taken VF $vf_address"
}

# run COMMAND…
run() {
  "$@" || fail "failed: $*"
}
`;
