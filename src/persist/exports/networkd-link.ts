import type { HostFs, HostPath, VfAttributes } from '../../host.ts';
import { madeBySriovctl } from '../boot-script.ts';
import type { InstalledFile } from '../installed-file.ts';
import { commented, type Export } from './export.ts';
import type { PfOutline } from './pf-outline.ts';

/** What a [SR-IOV] section can say (systemd.link(5), 251 and newer). */
export const sayableInLink = {
  attributes: ['mac', 'vlan', 'qos', 'proto', 'spoofCheck', 'trust', 'linkState'],
  mtu: true,
} as const;

/** Sorted before 99-default.link, the first file that matches counts. */
export const linkPath = (address: string): HostPath =>
  `/etc/systemd/network/50-sriovctl-${address}.link`;

/** udev itself makes the VFs when the netdev of the PF appears. */
export const networkdLink = async (outlines: readonly PfOutline[], fs: HostFs): Promise<Export> => {
  const policy = await defaultPolicy(fs);
  const files = outlines.map(
    (outline): InstalledFile => ({
      path: linkPath(outline.identity.address),
      content: linkText(outline, policy),
      mode: 0o644,
      reason: 'udev makes the VFs when the netdev of the PF appears',
    }),
  );
  return { files, caveats: always };
};

const always = [
  'it takes the place of 99-default.link for this PF: the policy of that file is repeated in it',
  'a file that sorts before it and matches too, such as 10-netplan-*.link, makes it void',
  'it runs in a worker of udev, which is killed after 180 s, while the PF is still down (bnxt_en refuses that)',
  'a number of VFs that cannot be made shows only as a warning in the log of systemd-udevd',
] as const;

const linkText = ({ identity, count, mtu, vfs }: PfOutline, policy: readonly string[]): string =>
  [
    `${madeBySriovctl}\n${commented(always)}[Match]`,
    `Path=pci-${identity.address}`,
    ...(identity.mac === undefined ? [] : [`PermanentMACAddress=${identity.mac}`]),
    '\n[Link]',
    ...policy,
    ...(mtu === undefined ? [] : [`MTUBytes=${mtu}`]),
    `SR-IOVVirtualFunctions=${count}`,
    ...vfs.flatMap(({ index, attributes }) => {
      const lines = settingLines(attributes);
      return lines.length === 0 ? [] : ['\n[SR-IOV]', `VirtualFunction=${index}`, ...lines];
    }),
    '',
  ].join('\n');

const settingLines = (vf: VfAttributes): readonly string[] => {
  const line = (key: string, value: string | number | undefined): readonly string[] =>
    value === undefined ? [] : [`${key}=${value}`];
  const yesNo = (on: boolean | undefined) => (on === undefined ? undefined : on ? 'yes' : 'no');
  const states = { auto: 'auto', enable: 'yes', disable: 'no' } as const;
  return [
    ...line('MACAddress', vf.mac),
    // No VLAN is what a VF starts with; the key takes 1 to 4095.
    ...(vf.vlan === undefined || vf.vlan === 0
      ? []
      : [
          ...line('VLANId', vf.vlan),
          ...line('QualityOfService', vf.qos),
          ...line('VLANProtocol', vf.proto?.replace('q', 'Q')),
        ]),
    ...line('MACSpoofCheck', yesNo(vf.spoofCheck)),
    ...line('Trust', yesNo(vf.trust)),
    ...line('LinkState', vf.linkState && states[vf.linkState]),
  ];
};

const defaultPlaces: readonly HostPath[] = [
  '/etc/systemd/network/99-default.link',
  '/run/systemd/network/99-default.link',
  '/usr/lib/systemd/network/99-default.link',
  '/lib/systemd/network/99-default.link',
];

/** Without these keys the PF would keep its kernel name; they are the host's own where it has them. */
const defaultPolicy = async (fs: HostFs): Promise<readonly string[]> => {
  for (const place of defaultPlaces) {
    const text = await fs.readText(place);
    if (text === undefined) continue;
    const [, section = ''] = text.split(/^\[Link\]\s*$/m);
    const lines = (section.split(/^\[/m)[0] ?? '').split('\n');
    return lines.filter((line) => /^\w[\w-]*=/.test(line));
  }
  return [
    'NamePolicy=keep kernel database onboard slot path',
    'AlternativeNamesPolicy=database onboard slot path',
    'MACAddressPolicy=persistent',
  ];
};
