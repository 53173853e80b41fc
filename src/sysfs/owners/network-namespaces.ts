import * as z from 'zod';
import type { Command, HostFs, HostView } from '../../host.ts';
import { jsonAnswer } from '../json-answer.ts';
import { netNamespaces, pciAttribute, processFile } from '../paths.ts';
import type { VirtualFunction } from '../pci-device.ts';
import { orUnknown, readLinkName } from '../read.ts';
import { describeProcess, listProcesses } from './process.ts';
import type { FindUses, VfUse } from './vf-use.ts';

/** The links in another network namespace; Linux 5.14 and newer name their PCI function. */
export const linksInNamespaceCommand = (path: string): Command => ({
  argv: ['nsenter', `--net=${path}`, 'ip', '-j', '-d', 'link', 'show'],
  timeoutMs: 10_000,
});

/** The processes in a named network namespace (ip-netns(8)). */
export const namespaceProcessesCommand = (name: string): Command => ({
  argv: ['ip', 'netns', 'pids', name],
  timeoutMs: 30_000,
});

/** VFs whose netdev has been moved out of the host's network namespace: into a pod, a container, by hand. */
export const otherNamespaces: FindUses = async (host, vfs) => {
  const gone: VirtualFunction[] = [];
  for (const vf of vfs) if (await hasLeft(host.fs, vf)) gone.push(vf);
  if (gone.length === 0) return [];
  const uses = await inNamedNamespaces(host, gone);
  const placed = new Set(uses.map(({ vf }) => vf));
  const left = gone.filter((vf) => !placed.has(vf));
  return [...uses, ...(left.length === 0 ? [] : await inNamespacesOfProcesses(host, left))];
};

/** The folder `net` of such a function stays and is empty: sysfs shows only the reader's own namespace. */
const hasLeft = async (fs: HostFs, { address }: VirtualFunction): Promise<boolean> =>
  (await fs.list(pciAttribute(address, 'net')))?.length === 0;

/** Names that can be part of a path and of a command line; others are not asked. */
const plainName = /^[A-Za-z0-9_][\w.@:-]*$/;

const inNamedNamespaces = async (
  host: HostView,
  vfs: readonly VirtualFunction[],
): Promise<readonly VfUse[]> => {
  const uses: VfUse[] = [];
  for (const name of (await orUnknown(host.fs.list(netNamespaces))) ?? []) {
    if (!plainName.test(name)) continue;
    const here = within(vfs, await functionsIn(host, `${netNamespaces}/${name}`));
    if (here.length === 0) continue;
    const inside = await someProcessIn(host, name);
    const by = `network namespace ${name}${inside === undefined ? '' : `, ${inside}`}`;
    uses.push(...here.map((vf) => ({ vf, by })));
  }
  return uses;
};

/** Containers whose runtime gives their namespace no name: found through their processes. */
const inNamespacesOfProcesses = async (
  host: HostView,
  vfs: readonly VirtualFunction[],
): Promise<readonly VfUse[]> => {
  const { fs } = host;
  const uses: VfUse[] = [];
  for (const pid of await firstProcessOfEachNamespace(fs)) {
    const shown = within(vfs, await functionsShownTo(fs, pid));
    // Without a mount namespace of its own the process sees the /sys of the host.
    const here =
      shown.length > 0 ? shown : within(vfs, await functionsIn(host, processFile(pid, 'ns/net')));
    if (here.length === 0) continue;
    const by = `the network namespace of ${await describeProcess(fs, pid)}`;
    uses.push(...here.map((vf) => ({ vf, by })));
  }
  const placed = new Set(uses.map(({ vf }) => vf));
  const unplaced = vfs.filter((vf) => !placed.has(vf));
  return [...uses, ...unplaced.map((vf) => ({ vf, by: 'another network namespace' }))];
};

const within = (
  vfs: readonly VirtualFunction[],
  functions: ReadonlySet<string>,
): readonly VirtualFunction[] => vfs.filter(({ address }) => functions.has(address));

const firstProcessOfEachNamespace = async (fs: HostFs): Promise<readonly number[]> => {
  const own = await orUnknown(fs.readLink(processFile(1, 'ns/net')));
  const first = new Map<string, number>();
  for (const pid of await listProcesses(fs)) {
    const namespace = await orUnknown(fs.readLink(processFile(pid, 'ns/net')));
    if (namespace === undefined || namespace === own || first.has(namespace)) continue;
    first.set(namespace, pid);
  }
  return [...first.values()];
};

/** A container has a /sys of its own, which shows the netdevs of its own namespace. */
const functionsShownTo = async (fs: HostFs, pid: number): Promise<ReadonlySet<string>> => {
  const folder = processFile(pid, 'root/sys/class/net');
  const found = new Set<string>();
  for (const name of (await orUnknown(fs.list(folder))) ?? []) {
    const address = await orUnknown(readLinkName(fs, `${folder}/${name}/device`));
    if (address !== undefined) found.add(address);
  }
  return found;
};

const linksSchema = z.array(z.object({ parentdev: z.string().optional() }));

const functionsIn = async (host: HostView, path: string): Promise<ReadonlySet<string>> => {
  const command = linksInNamespaceCommand(path);
  const answer = await orUnknown(host.query(command));
  if (answer?.ran !== true || answer.exitCode !== 0) return new Set();
  const links = linksSchema.safeParse(jsonAnswer(command, answer.stdout || '[]'));
  return new Set(links.data?.flatMap(({ parentdev }) => parentdev ?? []));
};

const someProcessIn = async (host: HostView, name: string): Promise<string | undefined> => {
  const answer = await orUnknown(host.query(namespaceProcessesCommand(name)));
  const pid = answer?.ran === true ? /^\d+/.exec(answer.stdout)?.[0] : undefined;
  return pid === undefined ? undefined : describeProcess(host.fs, Number(pid));
};
