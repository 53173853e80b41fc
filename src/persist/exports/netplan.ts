import { stringify } from 'yaml';
import { commented, type Export, exportedFile } from './export.ts';
import { leftOut, type PfOutline } from './pf-outline.ts';

const able = { attributes: [], eswitch: true, mtu: true } as const;

const always = [
  'netplan acts on a number above 0 only: taking the line out does not remove the VFs',
  'it binds VFs to the driver of their PF, which is right for mlx5 alone (i40e and ice need iavf)',
  'each `netplan apply` writes the number again, and takes VFs away if somebody has changed it',
  'the settings of VFs can be said only as `vlans` with `renderer: sriov`',
] as const;

/** A file for /etc/netplan, by the netdev names of today. */
export const netplan = (
  outlines: readonly PfOutline[],
  names: ReadonlyMap<string, string>,
): Export => {
  const nameless = outlines.filter(({ identity }) => !names.has(identity.address));
  const caveats = [
    ...outlines.flatMap((outline) => leftOut(outline, able)),
    ...nameless.map(({ identity }) => `${identity.address} has no netdev now, and is not in it`),
    ...always,
  ];
  const ethernets = Object.fromEntries(
    outlines.flatMap((outline) => {
      const name = names.get(outline.identity.address);
      return name === undefined ? [] : [[name, definitionOf(outline)]];
    }),
  );
  const text = stringify({ network: { version: 2, ethernets } });
  const forWhom = 'for netplan: copy it into /etc/netplan';
  return {
    files: [exportedFile('netplan.yaml', `${commented(caveats)}${text}`, forWhom)],
    caveats,
  };
};

const definitionOf = ({ count, mtu, eswitch }: PfOutline) => ({
  'virtual-function-count': count,
  ...(eswitch?.mode === undefined ? {} : { 'embedded-switch-mode': eswitch.mode }),
  ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
});
