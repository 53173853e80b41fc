import { SriovctlError } from '../errors.ts';
import type { HostFs } from '../host.ts';
import type { PersistMechanism } from '../resolved-spec.ts';
import { netdevOf } from '../sysfs/netdev.ts';
import type { PfBootPlan } from './boot-plan.ts';
import { bootScript } from './boot-script.ts';
import type { Export } from './exports/export.ts';
import { ignition } from './exports/ignition.ts';
import { netplan } from './exports/netplan.ts';
import { networkdLink, sayableInLink } from './exports/networkd-link.ts';
import { networkManager } from './exports/networkmanager.ts';
import { leftOut, outlineOf, type PfOutline } from './exports/pf-outline.ts';
import { talos } from './exports/talos.ts';
import type { InstalledFile } from './installed-file.ts';
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
  /** What a user has to know about this mechanism. */
  readonly caveats: readonly string[];
}

/** Nothing for nobody: without VFs there is nothing to make again. */
export const nothingInstalled: Installation = {
  mechanism: 'none',
  plans: [],
  files: [],
  enabled: false,
  caveats: [],
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
        caveats: [],
      };
    case 'rc-local':
      return {
        mechanism,
        plans,
        files: [scriptFile(script), ...(await networkManagerFiles(plans, fs))],
        block: await blockFile(script, fs),
        enabled: false,
        caveats: ['rc.local runs late: after the network, and often after kubelet'],
      };
    case 'networkd-link': {
      const outlines = plans.map(outlineOf);
      assertSayable(outlines);
      const { files, caveats } = await networkdLink(outlines, fs);
      const more = await networkManagerFiles(plans, fs);
      return { mechanism, plans, files: [...files, ...more], enabled: false, caveats };
    }
    case 'networkmanager':
    case 'netplan':
    case 'ignition':
    case 'talos':
      return { mechanism, plans, enabled: false, ...(await exportOf(mechanism, plans, fs)) };
    case 'none':
      return nothingInstalled;
  }
};

/** VFs without the settings they were to have would be there at each boot, and look right. */
const assertSayable = (outlines: readonly PfOutline[]): void => {
  const problems = outlines.flatMap((outline) => leftOut(outline, sayableInLink));
  if (problems.length === 0) return;
  throw new SriovctlError(
    'NOT_SAYABLE_IN_LINK',
    `a .link file cannot say all that is wanted: ${problems.join('; ')}`,
    { exit: 'refused', hint: 'Use the boot unit (--persist boot-unit), which can do everything.' },
  );
};

/** Texts that a human hands to somebody else. */
const exportOf = async (
  mechanism: 'networkmanager' | 'netplan' | 'ignition' | 'talos',
  plans: readonly PfBootPlan[],
  fs: HostFs,
): Promise<Export> => {
  const outlines = plans.map(outlineOf);
  switch (mechanism) {
    case 'networkmanager':
      return networkManager(outlines, await namesOf(plans, fs));
    case 'netplan':
      return netplan(outlines, await namesOf(plans, fs));
    case 'ignition': {
      const script = bootScript(plans);
      return ignition([scriptFile(script), ...unitFiles(script, plans)]);
    }
    case 'talos': {
      const needed = plans.flatMap(({ identity, ops }) => [
        identity.module,
        ...ops.flatMap((op) => (op.kind === 'module' ? [op.module] : [])),
      ]);
      return talos(outlines, [...new Set(needed)]);
    }
  }
};

/** Netdev names by address, for those who know PFs by name alone. */
export const namesOf = async (
  plans: readonly PfBootPlan[],
  fs: HostFs,
): Promise<ReadonlyMap<string, string>> => {
  const names = new Map<string, string>();
  for (const address of addressesOf(plans)) {
    const name = await netdevOf(fs, address);
    if (name !== undefined) names.set(address, name);
  }
  return names;
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
