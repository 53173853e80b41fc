import type { VfAttributes } from '../../host.ts';
import { shellWord } from '../shell-word.ts';
import { commented, type Export, exportedFile } from './export.ts';
import { leftOut, type PfOutline } from './pf-outline.ts';

/** What a VF of the setting `sriov` can have (nm-settings-nmcli(5)). */
const able = {
  attributes: ['mac', 'vlan', 'qos', 'proto', 'spoofCheck', 'trust', 'minTxRate', 'maxTxRate'],
  eswitch: true,
  mtu: true,
} as const;

const always = [
  'NetworkManager before 1.54 removes all VFs when the profile goes down (nmcli con down, a failed DHCP)',
  'a number above what the card can do is lowered with a warning, and settings that fail only warn',
  'it runs when the profile is activated: after network-pre.target, and not before kubelet',
] as const;

/** Commands for the profile that is active on each PF: a second profile would fight with it. */
export const networkManager = (
  outlines: readonly PfOutline[],
  names: ReadonlyMap<string, string>,
): Export => {
  const caveats = [...outlines.flatMap((outline) => leftOut(outline, able)), ...always];
  const lines = outlines.flatMap((outline) => {
    const name = names.get(outline.identity.address);
    return name === undefined
      ? [`# ${outline.identity.address} has no netdev now\n`]
      : commandsFor(outline, name);
  });
  const content = `#!/bin/sh\n${commented(caveats)}set -eu\n${lines.join('')}`;
  const forWhom = 'for NetworkManager: run it once on the host';
  return { files: [exportedFile('networkmanager.sh', content, forWhom)], caveats };
};

const commandsFor = ({ count, mtu, eswitch, vfs }: PfOutline, name: string): readonly string[] => {
  const described = vfs.flatMap(({ index, attributes }) => {
    const words = vfWords(attributes);
    return words.length === 0 ? [] : [[String(index), ...words].join(' ')];
  });
  const settings = [
    `sriov.total-vfs ${count}`,
    ...(vfs.some(({ driver }) => driver !== undefined) ? ['sriov.autoprobe-drivers false'] : []),
    ...(eswitch?.mode === undefined ? [] : [`sriov.eswitch-mode ${eswitch.mode}`]),
    ...(described.length === 0 ? [] : [`sriov.vfs ${shellWord(described.join(', '))}`]),
    ...(mtu === undefined ? [] : [`802-3-ethernet.mtu ${mtu}`]),
  ];
  const device = shellWord(name);
  return [
    `connection=$(nmcli -g GENERAL.CON-UUID device show ${device})\n`,
    `nmcli connection modify "$connection" ${settings.join(' ')}\n`,
  ];
};

const vfWords = (vf: VfAttributes): readonly string[] => {
  const word = (name: string, value: string | number | boolean | undefined): readonly string[] =>
    value === undefined ? [] : [`${name}=${value}`];
  const proto = vf.proto === '802.1ad' ? '.ad' : '';
  return [
    ...word('mac', vf.mac),
    ...word('spoof-check', vf.spoofCheck),
    ...word('trust', vf.trust),
    ...word('min-tx-rate', vf.minTxRate),
    ...word('max-tx-rate', vf.maxTxRate),
    ...(vf.vlan === undefined || vf.vlan === 0 ? [] : [`vlans=${vf.vlan}.${vf.qos ?? 0}${proto}`]),
  ];
};
