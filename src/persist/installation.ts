import type { HostFs, HostPath } from '../host.ts';
import type { PersistMechanism } from '../resolved-spec.ts';
import type { PfBootPlan } from './boot-plan.ts';
import { bootScript } from './boot-script.ts';
import {
  bootUnitPath,
  networkManagerRulesPath,
  pfUnitPath,
  scriptPath,
  tagRulesPath,
} from './places.ts';
import { rcLocalPath, withBlock, withoutBlock } from './rc-local.ts';
import { hasNetworkManager, networkManagerRules, tagRules } from './udev-rules.ts';
import { bootUnitText, pfUnitText } from './units.ts';

export interface InstalledFile {
  readonly path: HostPath;
  readonly content: string;
  readonly mode: number;
  readonly reason: string;
}

/** All that is to be on the host for the next boot. */
export interface Installation {
  readonly mechanism: PersistMechanism;
  readonly plans: readonly PfBootPlan[];
  /** Ours as a whole. */
  readonly files: readonly InstalledFile[];
  /** A script of the host with our block in it. */
  readonly block?: InstalledFile;
  /** Whether the boot unit is part of each boot. */
  readonly enabled: boolean;
}

/** Nothing for nobody: without VFs there is nothing to make again. */
export const nothingInstalled: Installation = {
  mechanism: 'none',
  plans: [],
  files: [],
  enabled: false,
};

export const installationOf = async (
  mechanism: PersistMechanism,
  plans: readonly PfBootPlan[],
  fs: HostFs,
): Promise<Installation> => {
  if (plans.length === 0) return nothingInstalled;
  const script = bootScript(plans);
  switch (mechanism) {
    case 'boot-unit':
      return {
        mechanism,
        plans,
        files: [
          scriptFile(script),
          ...unitFiles(script, plans),
          ...(await networkManagerFiles(plans, fs)),
        ],
        enabled: true,
      };
    case 'rc-local':
      return {
        mechanism,
        plans,
        files: [scriptFile(script), ...(await networkManagerFiles(plans, fs))],
        block: await blockFile(script, fs),
        enabled: false,
      };
    case 'networkd-link':
    case 'networkmanager':
    case 'netplan':
    case 'ignition':
    case 'talos':
    case 'none':
      return nothingInstalled;
  }
};

const addressesOf = (plans: readonly PfBootPlan[]): readonly string[] =>
  plans.map(({ identity }) => identity.address);

const scriptFile = (content: string): InstalledFile => ({
  path: scriptPath,
  content,
  mode: 0o755,
  reason: 'the VFs are made again at each boot, by address and identity of the card',
});

const unitFiles = (script: string, plans: readonly PfBootPlan[]): readonly InstalledFile[] => [
  {
    path: bootUnitPath,
    content: bootUnitText(script, plans),
    mode: 0o644,
    reason: 'the VFs are there before the network and Kubernetes start',
  },
  {
    path: pfUnitPath,
    content: pfUnitText(script, plans),
    mode: 0o644,
    reason: 'a PF that gets its driver late, or anew, gets its VFs then',
  },
  {
    path: tagRulesPath,
    content: tagRules(addressesOf(plans)),
    mode: 0o644,
    reason: 'systemd is told when a PF has got its driver',
  },
];

const networkManagerFiles = async (
  plans: readonly PfBootPlan[],
  fs: HostFs,
): Promise<readonly InstalledFile[]> =>
  (await hasNetworkManager(fs))
    ? [
        {
          path: networkManagerRulesPath,
          content: networkManagerRules(addressesOf(plans)),
          mode: 0o644,
          reason: 'NetworkManager leaves the VFs alone',
        },
      ]
    : [];

const blockFile = async (script: string, fs: HostFs): Promise<InstalledFile> => {
  const path = await rcLocalPath(fs);
  const text = await fs.readText(path);
  // The block is cut out first, so that a new one takes its place.
  const content = withBlock(text === undefined ? undefined : withoutBlock(text), script);
  const mode = ((await fs.stat(path))?.mode ?? 0o755) | 0o111;
  return { path, content, mode, reason: 'rc.local runs the script at the end of each boot' };
};
