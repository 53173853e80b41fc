import { existsSync } from 'node:fs';
import type { HostFs, HostView } from '../host.ts';
import { type NodeSpec, type NodeSpecInput, parseNodeSpec } from '../spec/node-spec.ts';
import { type StageFlags, specFromFlags } from './options.ts';

/** Read when it exists and no PF is named by a flag. */
export const defaultSpecFile = '/etc/sriovctl/node.yaml';

/** Which keys of a spec may be left out for a command. */
export interface WantedOptions {
  /** What a PF without a number of VFs gets. */
  readonly vfsByDefault?: number;
  readonly withoutPfs?: boolean;
  /** With --node another node may be meant, which this host's own spec file says nothing of. */
  readonly ofAnyNode?: boolean;
  /** PFs that were set up count, though their cards are gone; where none is named, all of them. */
  readonly recorded?: boolean;
}

/**
 * What the user wants of this node: the spec file, where there is one, and the flags over it.
 *
 * @throws SriovctlError of reading the file, or of what it and the flags say together.
 */
export const wantedSpec = async (
  flags: StageFlags,
  host: HostView,
  { vfsByDefault, withoutPfs = false, recorded = false, ofAnyNode = false }: WantedOptions = {},
): Promise<NodeSpec> => {
  const file = await specOfFile(flags, host, ofAnyNode);
  const input = specFromFlags(flags, {
    ...(vfsByDefault !== undefined && { vfsByDefault }),
    ...(file !== undefined && { file }),
  });
  const pfs = recorded && input.pfs.length === 0 ? await setUpBefore(host.fs) : input.pfs;
  return parseNodeSpec({ ...input, pfs }, { withoutPfs });
};

const setUpBefore = async (fs: HostFs): Promise<NodeSpecInput['pfs']> => {
  const { readRecord } = await import('../persist/record.ts');
  const { plans = [] } = (await readRecord(fs)) ?? {};
  return plans.map(({ identity }) => ({ pf: identity.address, vfs: 0 }));
};

/** A captured tree stands for another machine: this one's own file is not for it. */
const specOfFile = async (
  { config, pf, vfs, simulate, node, nodeLabel: labels = {} }: StageFlags,
  host: HostView,
  ofAnyNode: boolean,
): Promise<NodeSpecInput | undefined> => {
  const byDefault = pf === undefined && vfs === undefined && simulate === undefined;
  const file = config ?? (byDefault && existsSync(defaultSpecFile) ? defaultSpecFile : undefined);
  if (file === undefined) return undefined;
  const { chooseNode, isOfNode } = await import('../spec/choose-node.ts');
  const { readSpecFile } = await import('../spec/config-file.ts');
  const read = readSpecFile(file);
  const other = ofAnyNode && config === undefined && !(await isOfNode(read, host, node));
  return other ? undefined : chooseNode(read, host, { labels, node });
};
