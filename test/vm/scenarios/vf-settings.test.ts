import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';
import {
  declaredState,
  expectExit,
  expectSuccess,
  pf,
  removeVfs,
  setup,
  undo,
  verify,
} from './vf-host.ts';

const test = scenario();

interface VfInfo {
  readonly vf: number;
  readonly [name: string]: unknown;
}

const vfInfos = async (guest: Guest): Promise<readonly VfInfo[]> => {
  const [link] = JSON.parse(await guest.sh('ip -j -d link show dev enp1s0f0')) as {
    readonly vfinfo_list: readonly VfInfo[];
  }[];
  return link?.vfinfo_list ?? [];
};

const four = ['--pf', 'enp1s0f0', '--vfs', '4'];
const all = [...four, '--mtu', '2000', '--mac-policy', 'stable'];
const zero = '0:mac=02:00:00:00:00:10,vlan=100,qos=3,trust=on,spoofchk=off,max-tx-rate=100';
const wanted = [...all, '--vf', zero, '--vf', '1-2:vlan=200', '--vf', '3:mtu=1900'];

describe('settings of VFs on the real kernel', { timeout: 1_200_000 }, () => {
  test('what igb refuses is said with its errno before anything of the PF is changed', async ({
    guest,
  }) => {
    const before = await declaredState(guest);
    const settings = ['--vf', '0:trust=on,link-state=enable'];
    const more = ['--vf', '1:vlan=5,proto=802.1ad,min-tx-rate=10,msix=4'];
    const refused = await expectExit(setup(guest, ...four, ...settings, ...more), 4);
    for (const words of [
      'link-state (VF 0): EOPNOTSUPP',
      'proto=802.1ad (VF 1): EPROTONOSUPPORT',
      'min-tx-rate (VF 1): EINVAL',
      'msix (VF 1): EOPNOTSUPP',
    ]) {
      expect(refused.stderr).toContain(words);
    }
    // The driver allows no more than the speed of the link: only the rehearsal knows.
    const rate = await expectExit(setup(guest, ...four, '--vf', '1:vlan=9,max-tx-rate=5000'), 4);
    expect(rate.stderr).toContain('VF 1 of enp1s0f0: max-tx-rate was refused with EINVAL');
    const eswitch = await expectExit(setup(guest, ...four, '--eswitch', 'switchdev'), 4);
    expect(eswitch.stderr).toContain('no switch that can be set');
    expect(await declaredState(guest)).toBe(before);
  });

  test('the errnos that are foretold are those that the driver gives', async ({ guest }) => {
    await guest.sh(`
      ip link set enp1s0f0 up
      echo 1 >${pf}/sriov_numvfs
      until [ "$(cat /sys/class/net/enp1s0f0/carrier)" = 1 ]; do sleep 0.1; done
    `);
    const errors = await guest.sh(`
      for words in 'state enable' 'vlan 5 proto 802.1ad' 'min_tx_rate 10' 'max_tx_rate 5000'; do
        ip link set dev enp1s0f0 vf 0 $words 2>&1 || true
      done
      cat ${pf}/sriov_vf_total_msix
    `);
    const answers = 'RTNETLINK answers: ';
    expect(errors.split('\n')).toEqual([
      `${answers}Operation not supported`,
      `${answers}Protocol not supported`,
      `${answers}Invalid argument`,
      `${answers}Invalid argument`,
      '0',
    ]);
    await removeVfs(guest);
  });

  test('MAC, VLAN, priority, trust, spoof check, rate and MTU are set and read back', async ({
    guest,
  }) => {
    await expectSuccess(setup(guest, ...wanted));
    const infos = await vfInfos(guest);
    expect(infos).toMatchObject([
      {
        address: '02:00:00:00:00:10',
        vlan_list: [{ vlan: 100, qos: 3 }],
        rate: { max_tx: 100, min_tx: 0 },
        spoofchk: false,
        trust: true,
      },
      { vlan_list: [{ vlan: 200 }], spoofchk: true, trust: false },
      { vlan_list: [{ vlan: 200 }] },
      { vlan_list: [{}] },
    ]);

    // The netdevs have the MACs too: they were set before the driver came.
    for (const { vf, address } of infos) {
      expect(await guest.sh(`cat /sys/class/net/enp1s0f0v${vf}/address`)).toBe(address);
    }
    expect(await guest.sh('cat /sys/class/net/enp1s0f0/mtu /sys/class/net/enp1s0f0v3/mtu')).toBe(
      '2000\n1900',
    );
    expect(await guest.sh(`cat ${pf}/sriov_drivers_autoprobe`)).toBe('1');
  });

  test('verify agrees, names what somebody else changed, and setup puts that right and no more', async ({
    guest,
  }) => {
    const before = await declaredState(guest);
    await expectExit(verify(guest, ...wanted), 0);
    await guest.sh('ip link set dev enp1s0f0 vf 1 vlan 0; ip link set dev enp1s0f0 vf 0 trust off');
    const drifted = await expectExit(verify(guest, ...wanted), 1);
    expect(drifted.stdout).toContain('vf 0 trust on');
    expect(drifted.stdout).toContain('vf 1 vlan 200');
    const { stderr } = await expectSuccess(setup(guest, ...wanted));
    expect(stderr).toContain('Done: 1 change made');
    expect(await declaredState(guest)).toBe(before);
  });

  test('undo restores the settings of VFs that were there before', async ({ guest }) => {
    const before = await declaredState(guest);
    const changed = [...all, '--vf', '0:vlan=7,trust=off,max-tx-rate=0', '--vf', '2:spoofchk=off'];
    await expectSuccess(setup(guest, ...changed));
    expect(await declaredState(guest)).not.toBe(before);
    await expectExit(undo(guest), 0);
    expect(await declaredState(guest)).toBe(before);
  });

  test('VFs that are made anew have the same stable MACs, and frames pass between two in two namespaces', async ({
    guest,
  }) => {
    const macs = async () => (await vfInfos(guest)).map(({ address }) => address);
    const stable = (await macs()).slice(1, 3);
    await removeVfs(guest);
    const three = ['--pf', 'enp1s0f0', '--vfs', '3', '--mac-policy', 'stable'];
    await expectSuccess(setup(guest, ...three, '--vf', 'all:vlan=300'));
    expect((await macs()).slice(1)).toEqual(stable);

    const ping = await guest.sh(`
      for n in 1 2; do
        ip netns add vf$n
        ip link set enp1s0f0v$n netns vf$n
        ip -n vf$n address add 192.0.2.$n/24 dev enp1s0f0v$n
        ip -n vf$n link set enp1s0f0v$n up
      done
      for n in 1 2; do
        timeout 60 sh -c "until ip -n vf$n link show enp1s0f0v$n | grep -q LOWER_UP; do sleep 0.2; done"
      done
      ip netns exec vf1 ping -c 5 -i 0.3 -W 5 192.0.2.2
    `);
    expect(ping).toMatch(/5 packets transmitted, [45] received/);
  });
});
