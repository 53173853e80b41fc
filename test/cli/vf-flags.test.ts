import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addPfFlags, type StageFlags, specFromFlags } from '../../src/cli/options.ts';
import { parseNodeSpec } from '../../src/spec/node-spec.ts';

const pfsOf = (...args: string[]) => {
  const command = addPfFlags(new Command('setup'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  command.parse(args, { from: 'user' });
  return parseNodeSpec(specFromFlags(command.opts<StageFlags>())).pfs;
};

describe('flags about VFs', () => {
  test('belong to the --pf before them, in any order', () => {
    const [first, second] = pfsOf(
      ...['--pf', 'a', '--vf', '0-3,5:vlan=100,trust=on', '--vfs', '6', '--mtu', '9000'],
      ...['--vf', 'all:spoofchk=off', '--eswitch', 'switchdev,inline-mode=transport'],
      ...['--pf', 'b=2', '--vf-driver', 'vfio-pci', '--mac-policy', 'stable'],
    );
    expect(first).toEqual({
      pf: 'a',
      vfs: 6,
      mtu: 9000,
      settings: [
        { vfs: '0-3,5', vlan: 100, trust: true },
        { vfs: 'all', spoofCheck: false },
      ],
      eswitch: { mode: 'switchdev', inlineMode: 'transport' },
    });
    expect(second).toEqual({ pf: 'b', vfs: 2, driver: 'vfio-pci', macPolicy: 'stable' });
  });

  test('know every setting by its word', () => {
    const words =
      'mac=02:00:00:00:00:01,vlan=5,qos=3,proto=802.1ad,trust=off,spoofchk=on,link-state=auto,' +
      'min-tx-rate=1,max-tx-rate=2,mtu=1400,msix=4,driver=kernel,node-guid=00:11:22:33:44:55:66:77';
    const [pf] = pfsOf('--pf', 'a=1', '--vf', `0:${words}`);
    expect(Object.keys(pf?.settings?.[0] ?? {})).toHaveLength(words.split(',').length + 1);
  });

  test.each([
    [['--vf', '0:trust=on'], 'belongs after a --pf'],
    [['--pf', 'a=2', '--vf', 'trust=on'], 'RANGE:SETTING=VALUE'],
    [['--pf', 'a=2', '--vf', '0:trust'], 'is no SETTING=VALUE'],
    [['--pf', 'a=2', '--vf', '0:trust=yes'], 'trust is on or off'],
    [['--pf', 'a=2', '--vf', '0:vlan=x'], 'vlan is a whole number'],
    [['--pf', 'a=2', '--vf', '0:vlan=5,vlan=6'], 'says vlan twice'],
    [['--pf', 'a=2', '--vf', '0:spoof=on'], 'There is no setting spoof'],
    [['--pf', 'a=2', '--vf', '0-5:trust=on'], '--vf 0-5'],
    [['--pf', 'a=2', '--vf', '0:vlan=4095'], '--vf 0:vlan 4095 is above 4094'],
    [['--pf', 'a=2', '--eswitch', 'both'], 'mode is one of legacy, switchdev'],
    [['--pf', 'a=2', '--eswitch', 'legacy,x=y'], 'There is no x'],
    [['--pf', 'a=2', '--mac-policy', 'random'], 'stable'],
    [['--pf', 'a=2', '--vf-driver', '../x'], '--vf-driver'],
    [['--pf', 'a=2', '--mtu', '1e3'], 'whole number'],
  ])('%j: %s', (args, words) => {
    expect(() => pfsOf(...args)).toThrow(words);
  });
});
