import { describe, expect } from 'vitest';
import type { Guest } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario();
/** An emulated machine beside others may take a minute for what takes a second. */
const patient = { timeoutMs: 280_000 };
const devices = '/sys/bus/pci/devices';
const pf = `${devices}/0000:01:00.0`;

const setup = (guest: Guest, ...args: string[]) =>
  guest.run(['sriovctl', 'setup', '--no-kube', '--no-persist', ...args], patient);
const verify = (guest: Guest, ...args: string[]) =>
  guest.run(['sriovctl', 'verify', '--no-kube', '--no-persist', ...args], patient);

const removeVfs = (guest: Guest) =>
  guest.sh(
    `for port in 0 1; do echo 0 >${devices}/0000:01:00.$port/sriov_numvfs; done; udevadm settle`,
  );

interface VfInfo {
  readonly vf: number;
  readonly [name: string]: unknown;
}

const vfInfos = async (guest: Guest, netdev = 'enp1s0f0'): Promise<readonly VfInfo[]> => {
  const [link] = JSON.parse(await guest.sh(`ip -j -d link show dev ${netdev}`)) as {
    readonly vfinfo_list: readonly VfInfo[];
  }[];
  return link?.vfinfo_list ?? [];
};

/** All that a run sets, and nothing that changes by itself. */
const declaredState = (guest: Guest): Promise<string> =>
  guest.sh(`
    cd ${devices}
    grep -s . 0000:01:*/sriov_numvfs 0000:01:*/sriov_drivers_autoprobe 0000:01:*/driver_override || true
    for function in 0000:01:*; do echo "$function $(readlink $function/driver || true)"; done
    cat /sys/class/net/enp1s0f?/mtu
    for netdev in enp1s0f0 enp1s0f1; do ip -j -d link show dev $netdev | jq -c '.[0].vfinfo_list'; done
  `);

const all = ['--pf', 'enp1s0f0', '--vfs', '4', '--mtu', '2000', '--mac-policy', 'stable'];
const zero = '0:mac=02:00:00:00:00:10,vlan=100,qos=3,trust=on,spoofchk=off,max-tx-rate=100';
const wanted = [...all, '--vf', zero, '--vf', '1-2:vlan=200', '--vf', '3:mtu=1900'];

describe('settings of VFs on the real kernel', { timeout: 1_200_000 }, () => {
  test('what igb refuses is said with its errno before anything of the PF is changed', async ({
    guest,
  }) => {
    const before = await declaredState(guest);
    const pfs = ['--pf', 'enp1s0f0', '--vfs', '4', '--vf', '0:trust=on,link-state=enable'];
    const refused = await setup(guest, ...pfs);
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.stderr).toContain('link-state (VF 0): EOPNOTSUPP');
    const others = '1:vlan=5,proto=802.1ad,min-tx-rate=10,msix=4';
    const more = await setup(guest, '--pf', 'enp1s0f0', '--vfs', '4', '--vf', others);
    expect(more).toMatchObject({ exitCode: 4 });
    for (const words of [
      'proto=802.1ad (VF 1): EPROTONOSUPPORT',
      'min-tx-rate (VF 1): EINVAL',
      'msix (VF 1): EOPNOTSUPP',
    ]) {
      expect(more.stderr).toContain(words);
    }
    const eswitch = await setup(guest, '--pf', 'enp1s0f0', '--vfs', '4', '--eswitch', 'switchdev');
    expect(eswitch).toMatchObject({ exitCode: 4 });
    expect(eswitch.stderr).toContain('no switch that can be set');
    expect(await declaredState(guest)).toBe(before);
  });

  test('the errnos that are foretold are those that the driver gives', async ({ guest }) => {
    await guest.sh(`ip link set enp1s0f0 up; echo 1 >${pf}/sriov_numvfs; udevadm settle`);
    const errorOf = async (...words: string[]) => {
      const { stderr } = await guest.run([
        'ip',
        'link',
        'set',
        'dev',
        'enp1s0f0',
        'vf',
        '0',
        ...words,
      ]);
      return stderr.trim();
    };
    expect(await errorOf('state', 'enable')).toContain('Operation not supported');
    expect(await errorOf('vlan', '5', 'proto', '802.1ad')).toContain('Protocol not supported');
    expect(await errorOf('min_tx_rate', '10')).toContain('Invalid argument');
    expect(await guest.sh(`cat ${pf}/sriov_vf_total_msix`)).toBe('0');
    await removeVfs(guest);
  });

  test('MAC, VLAN, priority, trust, spoof check, rate and MTU are set and read back', async ({
    guest,
  }) => {
    const done = await setup(guest, ...wanted);
    expect(done).toMatchObject({ exitCode: 0 });
    expect(done.stderr).not.toContain('Other than rehearsed');
    const [first, second, third, fourth] = await vfInfos(guest);
    expect(first).toMatchObject({
      address: '02:00:00:00:00:10',
      vlan_list: [{ vlan: 100, qos: 3 }],
      rate: { max_tx: 100, min_tx: 0 },
      spoofchk: false,
      trust: true,
    });
    expect(second).toMatchObject({ vlan_list: [{ vlan: 200 }], spoofchk: true, trust: false });
    expect(third).toMatchObject({ vlan_list: [{ vlan: 200 }] });
    expect(fourth).toMatchObject({ vlan_list: [{}] });

    // The netdevs have the MACs too: they were set before the driver came.
    for (const { vf, address } of await vfInfos(guest)) {
      expect(await guest.sh(`cat /sys/class/net/enp1s0f0v${vf}/address`)).toBe(address);
    }
    expect(await guest.sh('cat /sys/class/net/enp1s0f0/mtu /sys/class/net/enp1s0f0v3/mtu')).toBe(
      '2000\n1900',
    );
    expect(await guest.sh(`cat ${pf}/sriov_drivers_autoprobe`)).toBe('1');
  });

  test('a second run changes nothing, verify agrees, and names what somebody else changed', async ({
    guest,
  }) => {
    const before = await declaredState(guest);
    const second = await setup(guest, ...wanted);
    expect(second).toMatchObject({ exitCode: 0 });
    expect(second.stderr).toContain('Nothing to do');
    expect(await declaredState(guest)).toBe(before);
    expect(await verify(guest, ...wanted)).toMatchObject({ exitCode: 0 });

    await guest.sh('ip link set dev enp1s0f0 vf 1 vlan 0; ip link set dev enp1s0f0 vf 0 trust off');
    const drifted = await verify(guest, ...wanted);
    expect(drifted).toMatchObject({ exitCode: 1 });
    expect(drifted.stdout).toContain('vf 0 trust on');
    expect(drifted.stdout).toContain('vf 1 vlan 200');
    expect(await setup(guest, ...wanted)).toMatchObject({ exitCode: 0 });
    expect(await declaredState(guest)).toBe(before);
  });

  test('undo restores the settings of VFs that were there before', async ({ guest }) => {
    const before = await declaredState(guest);
    const changed = [...all, '--vf', '0:vlan=7,trust=off,max-tx-rate=0', '--vf', '2:spoofchk=off'];
    expect(await setup(guest, ...changed)).toMatchObject({ exitCode: 0 });
    expect(await declaredState(guest)).not.toBe(before);
    expect(await guest.run(['sriovctl', 'undo'], patient)).toMatchObject({ exitCode: 0 });
    expect(await declaredState(guest)).toBe(before);
  });

  test('stable MACs are the same after the VFs have been made anew', async ({ guest }) => {
    await removeVfs(guest);
    const stable = ['--pf', 'enp1s0f0', '--vfs', '3', '--mac-policy', 'stable'];
    const macs = async () => (await vfInfos(guest)).map(({ address }) => address);
    expect(await setup(guest, ...stable)).toMatchObject({ exitCode: 0 });
    const first = await macs();
    expect(new Set(first).size).toBe(3);
    await removeVfs(guest);
    expect(await setup(guest, ...stable)).toMatchObject({ exitCode: 0 });
    expect(await macs()).toEqual(first);
    await removeVfs(guest);
  });

  test('a setting that fails when it is made takes the whole run back', async ({ guest }) => {
    const before = await declaredState(guest);
    // The driver allows no more than the speed of the link: that no table knows.
    const settings = ['--vf', '0:vlan=9', '--vf', '1:vlan=9,max-tx-rate=5000'];
    const failed = await setup(guest, '--pf', 'enp1s0f0', '--vfs', '2', ...settings);
    expect([1, 4]).toContain(failed.exitCode);
    expect(failed.stderr).toContain('max-tx-rate');
    expect(failed.stderr).toContain('EINVAL');
    expect(await declaredState(guest)).toBe(before);
  });

  test('frames pass between two VFs of a PF in two network namespaces', async ({ guest }) => {
    const pfs = [
      '--pf',
      'enp1s0f0',
      '--vfs',
      '2',
      '--mac-policy',
      'stable',
      '--vf',
      'all:vlan=300',
    ];
    expect(await setup(guest, ...pfs)).toMatchObject({ exitCode: 0 });
    const ping = await guest.sh(`
      for n in 0 1; do
        ip netns add vf$n
        ip link set enp1s0f0v$n netns vf$n
        ip -n vf$n address add 192.0.2.$((n + 1))/24 dev enp1s0f0v$n
        ip -n vf$n link set enp1s0f0v$n up
      done
      for n in 0 1; do
        timeout 30 sh -c "until ip -n vf$n link show enp1s0f0v$n | grep -q LOWER_UP; do sleep 0.2; done"
      done
      ip netns exec vf0 ping -c 5 -i 0.3 -W 5 192.0.2.2
    `);
    expect(ping).toMatch(/5 packets transmitted, [45] received/);
    console.log(ping.split('\n').slice(-2).join('; '));
    await guest.sh('ip netns del vf0; ip netns del vf1; sleep 1; udevadm settle');
    await removeVfs(guest);
  });
});
