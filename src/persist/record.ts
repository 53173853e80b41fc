import { posix } from 'node:path';
import * as z from 'zod';
import type { HostFs, HostPath, HostView } from '../host.ts';
import { namedPfs, persistMechanisms, type ResolvedSpec } from '../resolved-spec.ts';
import { pciDevice } from '../sysfs/paths.ts';
import { readRecordAt } from '../sysfs/read.ts';
import type { PfBootPlan } from './boot-plan.ts';
import { type PfIdentity, readIdentity } from './identity.ts';
import { recordPath } from './places.ts';

const hostPath = z.custom<HostPath>((value) => typeof value === 'string' && value.startsWith('/'));

const addressForm = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;

/** The file is root's own and as good as the script; only its form is looked at. */
const isPlan = (value: unknown): boolean => planSchema.safeParse(value).success;

const planSchema = z.looseObject({
  identity: z.looseObject({ address: z.string().regex(addressForm), module: z.string() }),
  vfs: z.int().positive(),
  ops: z.array(z.looseObject({ kind: z.string() })),
});

const recordSchema = z.object({
  mechanism: z.enum(persistMechanisms),
  /** What is done for each PF: another run may be about other PFs, and these stay as they are. */
  plans: z.array(z.custom<PfBootPlan>(isPlan)),
  /** What the netdevs of these PFs have been called, and which PF that was. */
  names: z.record(z.string(), z.string()).default({}),
  /** Files that are ours as a whole. */
  files: z.array(hostPath),
  /** Folders that were not there before, outermost first. */
  folders: z.array(hostPath),
  /** A script of the host that got our block; `mode` is what it had before, none if we made it. */
  block: z.object({ path: hostPath, mode: z.int().optional() }).optional(),
});

/** What has been installed for the next boot: teardown takes out this, and nothing else. */
export type InstallRecord = z.infer<typeof recordSchema>;

/** One that cannot be read counts as missing: the files of known names are found without it. */
export const readRecord = (fs: HostFs): Promise<InstallRecord | undefined> =>
  readRecordAt(fs, recordPath, recordSchema);

/** What was set up for PFs that a run is not about: it is left as it is. */
export const plansOfOthers = async (
  spec: ResolvedSpec,
  fs: HostFs,
): Promise<readonly PfBootPlan[]> => {
  const named = namedPfs(spec);
  const record = await readRecord(fs);
  return (record?.plans ?? []).filter(({ identity }) => !named.has(identity.address));
};

/** Whether what all PFs of a host share is still there for others than those that a teardown names. */
export const isNeededByOthers = async (spec: ResolvedSpec, fs: HostFs): Promise<boolean> =>
  namedPfs(spec).size > 0 && (await plansOfOthers(spec, fs)).length > 0;

/**
 * The PF that had a netdev name when it was set up: an update of the kernel or of systemd may have
 * given it another one since. A card that is not the same any more is not found.
 */
export const findByFormerName = async (
  host: HostView,
  name: string,
): Promise<string | undefined> => {
  const record = await readRecord(host.fs);
  const address = record?.names[name];
  const then = record?.plans.find(({ identity }) => identity.address === address)?.identity;
  return then !== undefined && (await isStillThere(host, then)) ? then.address : undefined;
};

/** A PF that was set up, and what its netdev has been called. */
export interface RecordedPf {
  readonly identity: PfIdentity;
  readonly names: readonly string[];
}

/** PFs that were set up and whose cards are not where they were. */
export const gonePfs = async (host: HostView): Promise<readonly RecordedPf[]> => {
  const { plans = [], names = {} } = (await readRecord(host.fs)) ?? {};
  const gone: RecordedPf[] = [];
  for (const { identity } of plans) {
    if (await isStillThere(host, identity)) continue;
    const own = Object.entries(names).filter(([, address]) => address === identity.address);
    gone.push({ identity, names: own.map(([name]) => name) });
  }
  return gone;
};

const isStillThere = async (host: HostView, then: PfIdentity): Promise<boolean> => {
  if ((await host.fs.stat(pciDevice(then.address))) === undefined) return false;
  const now = await readIdentity(host, then.address);
  return (['vendor', 'device', 'mac'] as const).every((key) => now[key] === then[key]);
};

export const recordText = (record: InstallRecord): string => `${JSON.stringify(record, null, 2)}\n`;

/** Folders above these paths that do not exist yet, outermost first. */
export const missingFolders = async (
  fs: HostFs,
  paths: readonly HostPath[],
): Promise<readonly HostPath[]> => {
  const missing = new Set<HostPath>();
  for (const path of paths) {
    for (const folder of foldersAbove(path)) {
      if ((await fs.stat(folder)) === undefined) missing.add(folder);
    }
  }
  return [...missing];
};

/** Outermost first. */
export const foldersAbove = (path: HostPath): readonly HostPath[] => {
  const parent = posix.dirname(path) as HostPath;
  return parent === '/' ? [] : [...foldersAbove(parent), parent];
};
