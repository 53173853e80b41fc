import type { BackgroundProcess } from '../command.ts';
import type { Guest } from '../guest.ts';

/** As a guest or DPDK does it (Documentation/driver-api/vfio.rst): container, group, device; then waits. */
const holdDevice = `
use Fcntl;
$| = 1;
sysopen(my $container, '/dev/vfio/vfio', O_RDWR) or die "container: $!";
sysopen(my $group, $ARGV[0], O_RDWR) or die "group: $!";
my $fd = pack('i', fileno($container));
ioctl($group, 0x3B68, $fd) or die "VFIO_GROUP_SET_CONTAINER: $!";
ioctl($container, 0x3B66, 1) or die "VFIO_SET_IOMMU: $!";
my $name = "$ARGV[1]\\0";
ioctl($group, 0x3B6A, $name) or die "VFIO_GROUP_GET_DEVICE_FD: $!";
print "holding\\n";
sleep 600;
`;

/** Binds a VF to vfio-pci. */
export const bindToVfio = async (guest: Guest, address: string): Promise<void> => {
  await guest.sh(`
    modprobe vfio-pci
    device=/sys/bus/pci/devices/${address}
    echo vfio-pci >$device/driver_override
    [ ! -e $device/driver ] || echo ${address} >$device/driver/unbind
    echo ${address} >/sys/bus/pci/drivers_probe
  `);
};

/** A process in the guest that has a VF open through vfio, until it is killed. */
export const holdThroughVfio = async (
  guest: Guest,
  address: string,
): Promise<BackgroundProcess> => {
  const group = await guest.sh(
    `basename "$(readlink /sys/bus/pci/devices/${address}/iommu_group)"`,
  );
  const holder = await guest.start(['perl', '-e', holdDevice, `/dev/vfio/${group}`, address]);
  while (!holder.output().stdout.includes('holding')) {
    const { stderr } = holder.output();
    if (stderr !== '') throw new Error(stderr);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return holder;
};
