import { describe, expect } from 'vitest';
import { newLines } from '../../../src/sysfs/kernel-log.ts';
import { explainNumvfsError } from '../../../src/sysfs/sriov-errors.ts';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';

const address = '0000:02:00.0';
const pf = `/sys/bus/pci/devices/${address}`;

/** An NVMe function with more VF BAR than the firmware has left room for behind its port. */
const test = scenario({
  // QEMU cannot save a machine with such a device.
  coldBoot: true,
  append: 'pci=realloc=off',
  qemuArguments: [
    ...['-device', 'pcie-root-port,id=rp2,bus=pcie.0,addr=0x8,chassis=2,slot=2,hotplug=off'],
    ...['-device', 'nvme-subsys,id=subsystem'],
    '-device',
    'nvme,serial=sriov,subsys=subsystem,bus=rp2,sriov_max_vfs=127,sriov_vq_flexible=254,sriov_vi_flexible=127,max_ioqpairs=512,msix_qsize=1024',
  ],
});

const setup = (guest: Guest, ...args: readonly string[]) =>
  guest.run(['sriovctl', 'setup', ...args, '--only', 'vfs']);

/** A write by hand: the shell's words for the errno, and what the kernel logged meanwhile. */
const writeByHand = async (guest: Guest, device: string, value: number) => {
  const before = (await guest.kernelLog()).split('\n');
  const { stderr } = await guest.run([
    'bash',
    '-c',
    `echo ${value} >/sys/bus/pci/devices/${device}/sriov_numvfs`,
  ]);
  return { stderr, kernelLog: newLines(before, (await guest.kernelLog()).split('\n')) };
};

describe('VF BARs without an address', () => {
  test('are foretold, before anything is written', async ({ guest }) => {
    const before = (await guest.kernelLog()).split('\n');
    const refused = await setup(guest, '--pf', address, '--vfs', '1');
    const bars = await guest.sh(
      `cat ${pf}/resource; dmesg | grep -E 'VF BAR|0000:00:08|pci=' || true`,
    );
    expect(refused.exitCode, bars + refused.stderr).toBe(4);
    expect(refused.stderr).toContain('the VF BARs are unassigned');
    expect(refused.stderr).toContain('pci=realloc');
    const logged = newLines(before, (await guest.kernelLog()).split('\n'));
    expect(logged.filter((line) => /SR-IOV|VFs/.test(line))).toEqual([]);
  });

  test('are what the real kernel refuses for, in the words that are known', async ({ guest }) => {
    const { stderr, kernelLog } = await writeByHand(guest, address, 1);
    expect(stderr).toContain('Cannot allocate memory');
    const write = { address, pf: address, value: '1' };
    const problem = explainNumvfsError({ errno: 'ENOMEM', kernelLog }, write);
    expect(problem).toMatchObject({ code: 'NO_MMIO_SPACE' });
    expect(await guest.sh(`cat ${pf}/sriov_numvfs`)).toBe('0');
  });
});

describe('what the real kernel logs', () => {
  const other = '0000:01:00.1';
  test.for([
    {
      given: 'echo 0000:01:00.1 >/sys/bus/pci/drivers/igb/unbind',
      says: 'No such file or directory',
      errno: 'ENOENT',
      code: 'NO_PF_DRIVER',
    },
    {
      given: `modprobe pci-stub; echo pci-stub >/sys/bus/pci/devices/${other}/driver_override; echo ${other} >/sys/bus/pci/drivers_probe`,
      says: 'No such file or directory',
      errno: 'ENOENT',
      code: 'DRIVER_WITHOUT_SRIOV',
    },
    {
      given: `echo ${other} >/sys/bus/pci/drivers/pci-stub/unbind; echo >/sys/bus/pci/devices/${other}/driver_override; echo ${other} >/sys/bus/pci/drivers_probe; echo 1 >/sys/bus/pci/devices/${other}/sriov_numvfs`,
      says: 'Device or resource busy',
      errno: 'EBUSY',
      code: 'VFS_EXIST',
    },
  ])('of $code is known', async ({ given, says, errno, code }, { guest }) => {
    await guest.sh(given);
    const foretold = await setup(guest, '--pf', other, '--vfs', '2');
    expect(foretold).toMatchObject({ exitCode: 4 });
    if (code !== 'VFS_EXIST') expect(foretold.stderr).toContain(code);
    const { stderr, kernelLog } = await writeByHand(guest, other, 2);
    expect(stderr).toContain(says);
    const write = { address: other, pf: other, value: '2' };
    expect(explainNumvfsError({ errno, kernelLog }, write)).toMatchObject({ code });
  });
});
