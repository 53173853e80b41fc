import { describe, expect, test } from 'vitest';
import { causeInLog, explainNumvfsError } from '../../src/sysfs/sriov-errors.ts';

const write = { address: '0000:01:00.0', pf: 'enp1s0f0', value: '4' };
const explain = (errno: string, ...kernelLog: readonly string[]) =>
  explainNumvfsError({ errno, kernelLog }, write);

describe('a failed write to sriov_numvfs is explained', () => {
  test.each([
    {
      errno: 'ENOMEM',
      line: 'igb 0000:01:00.0: not enough MMIO resources for SR-IOV',
      code: 'NO_MMIO_SPACE',
      hint: 'pci=realloc',
    },
    {
      errno: 'ENOMEM',
      line: 'igb 0000:01:00.0: SR-IOV: IOV BARS not allocated',
      code: 'NO_MMIO_SPACE',
      hint: 'Above 4G',
    },
    {
      errno: 'ENOMEM',
      line: "igb 0000:01:00.0: can't enable 4 VFs (bus 02 out of range of [bus 01])",
      code: 'NO_BUS_NUMBERS',
      hint: 'ARI',
    },
    {
      errno: 'ENOENT',
      line: 'pci 0000:01:00.0: no driver bound to device; cannot configure SR-IOV',
      code: 'NO_PF_DRIVER',
      hint: 'driver',
    },
    {
      errno: 'ENOENT',
      line: 'pci-stub 0000:01:00.0: driver does not support SR-IOV configuration via sysfs',
      code: 'DRIVER_WITHOUT_SRIOV',
      hint: 'driver',
    },
    {
      errno: 'EBUSY',
      line: 'igb 0000:01:00.0: 2 VFs already enabled. Disable before enabling 4 VFs',
      code: 'VFS_EXIST',
      hint: '--recreate',
    },
    {
      errno: 'EPERM',
      line: 'i40e 0000:01:00.0: Unable to enable 64 VFs. Limited to 32 VFs due to device resource constraints.',
      code: 'DRIVER_LIMIT',
      hint: 'Ask for',
    },
    {
      errno: 'ENOSPC',
      line: 'ice 0000:01:00.0: Only 3 MSI-X interrupts available for SR-IOV. Not enough to support minimum of 2 MSI-X interrupts per VF for 4 VFs',
      code: 'NO_INTERRUPTS',
      hint: 'irdma',
    },
  ])('by the kernel’s own line: $line', ({ errno, line, code, hint }) => {
    const problem = explain(errno, line);
    expect(problem).toMatchObject({ code });
    expect(problem?.problem).toContain(`failed with ${errno}`);
    expect(problem?.problem).toContain(line);
    expect(problem?.hint).toContain(hint);
  });

  test('by the errno where the kernel said nothing', () => {
    expect(explain('EPERM')).toMatchObject({ code: 'NUMVFS_EPERM' });
    expect(explain('ENOMEM')?.hint).toContain('`dmesg` says which');
  });

  test('not by the lines of another card, nor by a line that goes with another errno', () => {
    const other = 'igb 0000:03:00.0: not enough MMIO resources for SR-IOV';
    expect(explain('ENOMEM', other)).toMatchObject({ code: 'NUMVFS_ENOMEM' });
    const line = 'igb 0000:01:00.0: not enough MMIO resources for SR-IOV';
    expect(explain('EPERM', line)).toMatchObject({ code: 'NUMVFS_EPERM' });
  });

  test('with the driver’s own words where nobody knows them', () => {
    const problem = explain('EBADE', 'newdrv 0000:01:00.0: flux capacitor is cold');
    expect(problem?.problem).toContain('flux capacitor is cold');
    expect(explain('EBADE')).toBeUndefined();
  });
});

describe('a write that does not end', () => {
  const held =
    'vfio-pci 0000:01:10.2: No device request channel registered, blocked until released by user';
  const inUse =
    'vfio-pci 0000:01:10.2: Device is currently in use, task "dd" (325) blocked until device is released';

  test.each([[held], [inUse], [held, inUse]])(
    'waits for the user of the VF that vfio names',
    (...kernelLog) => {
      const vfAddresses = ['0000:01:10.0', '0000:01:10.2'];
      const problem = explainNumvfsError(
        { errno: 'ETIMEDOUT', kernelLog },
        { ...write, value: '0', vfAddresses },
      );
      expect(problem).toMatchObject({ code: 'WRITE_STILL_RUNNING' });
      expect(problem?.problem).toContain('until the user of 0000:01:10.2 lets it go');
    },
  );

  test('is said to go on where the log does not tell why', () => {
    expect(explain('ETIMEDOUT', held)?.problem).toContain('still working');
  });
});

test('a driver that made fewer VFs than it was told says so in the log', () => {
  const lines = [
    'bnxt_en 0000:01:00.0 eth0: Reject SRIOV config request since if is down!',
    'igb 0000:01:00.0: 4 VFs requested; only 2 enabled',
  ];
  expect(causeInLog(lines.slice(0, 1))).toMatchObject({ code: 'PF_DOWN' });
  expect(causeInLog(lines)?.cause).toContain('only 2 VFs');
  expect(causeInLog(['unrelated'])).toBeUndefined();
});
