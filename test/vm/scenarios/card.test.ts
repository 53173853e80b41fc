import { describe, expect } from 'vitest';
import { scenario } from '../scenario.ts';

const test = scenario();
const pf = '/sys/class/net/enp1s0f0/device';

describe('the emulated 82576 is the card that the documentation describes', () => {
  test('both ports have their names and the igb driver', async ({ guest }) => {
    const drivers = await guest.sh(
      'for port in enp1s0f0 enp1s0f1; do basename "$(readlink /sys/class/net/$port/device/driver)"; done',
    );
    expect(drivers.split('\n')).toEqual(['igb', 'igb']);
    expect(await guest.sh('cat /sys/class/net/enp1s0f?/address')).toBe(
      '52:54:00:00:01:00\n52:54:00:00:01:01',
    );
  });

  test('the kernel offers 7 VFs', async ({ guest }) => {
    expect(await guest.readText(`${pf}/sriov_totalvfs`)).toBe('7\n');
  });

  test('4 VFs come up at 01:10.0 and every second function, and go again', async ({ guest }) => {
    await guest.sh(`echo 4 >${pf}/sriov_numvfs`);
    const links = await guest.sh(`readlink ${pf}/virtfn{0,1,2,3} | xargs -n1 basename`);
    expect(links.split('\n')).toEqual([
      '0000:01:10.0',
      '0000:01:10.2',
      '0000:01:10.4',
      '0000:01:10.6',
    ]);

    await guest.sh(`echo 0 >${pf}/sriov_numvfs`);
    expect(await guest.sh(`ls ${pf}/ | grep -c virtfn || true`)).toBe('0');
  });

  test('the IOMMU works without a kernel argument', async ({ guest }) => {
    expect(await guest.readText('/proc/cmdline')).not.toContain('iommu');
    expect(await guest.sh(`basename "$(readlink ${pf}/iommu_group)"`)).toMatch(/^\d+$/);
    expect(Number(await guest.sh('ls /sys/kernel/iommu_groups | wc -l'))).toBeGreaterThan(1);
  });
});
