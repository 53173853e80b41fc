import type { HostFs } from '../../host.ts';
import { processes, processFile } from '../paths.ts';
import { orUnknown, readAttribute } from '../read.ts';
import { podOfUid } from './pods.ts';

/** The ids of all processes, in order. */
export const listProcesses = async (fs: HostFs): Promise<readonly number[]> =>
  ((await orUnknown(fs.list(processes))) ?? [])
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);

/**
 * A process in words: its name and id, and the guest, pod or container that it belongs to, where its
 * command line and cgroup tell.
 */
export const describeProcess = async (fs: HostFs, pid: number): Promise<string> => {
  const name = (await orUnknown(readAttribute(fs, processFile(pid, 'comm')))) ?? 'a process';
  const arguments_ = (await orUnknown(fs.readText(processFile(pid, 'cmdline')))) ?? '';
  const cgroup = (await orUnknown(fs.readText(processFile(pid, 'cgroup')))) ?? '';
  const guest = guestName(arguments_.split('\0'));
  const place = await placeOf(fs, cgroup);
  const details = [`pid ${pid}`, guest && `guest ${guest}`, place].filter(Boolean).join(', ');
  return `${name} (${details})`;
};

/** QEMU's `-name guest=vm1,debug-threads=on`, or just `-name vm1`. */
const guestName = (argv: readonly string[]): string | undefined => {
  const value = argv[argv.indexOf('-name') + 1];
  if (!argv.includes('-name') || value === undefined) return undefined;
  return /^(?:guest=)?([^,]+)/.exec(value)?.[1];
};

/** systemd spells the dashes of a pod's UID as underscores; a static pod's UID has none. */
const podPart = /pod([0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})/;
/** Docker, containerd, CRI-O and Podman: the container's id is the last part of the path. */
const containerPart =
  /(docker|cri-containerd|containerd|crio|libpod)[-/:]([0-9a-f]{12})[0-9a-f]{52}/;
const lxcPart = /\/lxc(?:\.payload)?[./]([\w-]+)/;

const placeOf = async (fs: HostFs, cgroup: string): Promise<string | undefined> => {
  const uid = podPart.exec(cgroup)?.[1]?.replaceAll('_', '-');
  if (uid !== undefined) return podOfUid(fs, uid);
  const [, runtime, id] = containerPart.exec(cgroup) ?? [];
  if (runtime !== undefined) return `container ${id ?? ''} of ${runtime}`;
  const lxc = lxcPart.exec(cgroup)?.[1];
  return lxc && `container ${lxc}`;
};
