import type { CommandResult, HostView } from '../../host.ts';
import { jsonAnswer } from '../json-answer.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { setLinkState } from '../kernel/netdev.ts';
import { netClass, netdev } from '../paths.ts';
import type { QueryModel } from './command-models.ts';
import { type LinkEntry, linkEntry } from './ip-link.ts';
import { complained, printed } from './printed.ts';
import { readRoutes } from './routes.ts';

/** ip(8) with -j: `link show`, `route show`; and `link set dev NAME up|down`. */
export const ipModel: QueryModel = async (command, kernel, base) => {
  const words = command.argv.slice(1).filter((word) => !word.startsWith('-'));
  const json = command.argv.some((word) => word === '-j' || word === '-json');
  const [object = '', verb = 'show', ...rest] = words;
  if (/^l(?:ink)?$/.test(object)) {
    if (verb === 'set') return setLink(kernel, rest);
    if (json && verb === 'show') return showLinks(kernel, await jsonOf(base, command), rest);
  }
  if (/^r(?:oute)?$/.test(object) && json && verb === 'show') {
    const answer = await base.query(command);
    return answer.ran ? answer : readRoutes(kernel.fs, rest);
  }
  return undefined;
};

const setLink = async (
  kernel: Kernel,
  words: readonly string[],
): Promise<CommandResult | undefined> => {
  const [name, state, ...more] = words[0] === 'dev' ? words.slice(1) : words;
  if (name === undefined || more.length > 0 || (state !== 'up' && state !== 'down')) {
    return undefined;
  }
  if ((await kernel.fs.stat(netdev(name))) === undefined) {
    return complained(`Cannot find device "${name}"`);
  }
  await setLinkState(kernel, name, state === 'up');
  return printed('');
};

/** What the host below says of a link stays, but for what the simulation has changed. */
const showLinks = async (
  kernel: Kernel,
  below: readonly LinkEntry[],
  words: readonly string[],
): Promise<CommandResult> => {
  const wanted = words[0] === 'dev' ? words[1] : words[0];
  const names = [...((await kernel.fs.list(netClass)) ?? [])];
  if (wanted !== undefined && !names.includes(wanted)) {
    return complained(`Device "${wanted}" does not exist.`);
  }
  const entries: LinkEntry[] = [];
  for (const name of names) {
    if (wanted !== undefined && name !== wanted) continue;
    const known = below.find(({ ifname }) => ifname === name);
    const entry = await linkEntry(kernel, name, known);
    if (entry !== undefined) entries.push(entry);
  }
  entries.sort((a, b) => a.ifindex - b.ifindex);
  return printed(`${JSON.stringify(entries)}\n`);
};

const jsonOf = async (
  base: HostView,
  command: Parameters<HostView['query']>[0],
): Promise<readonly LinkEntry[]> => {
  const answer = await base.query(command);
  if (!answer.ran || answer.exitCode !== 0) return [];
  const parsed: unknown = jsonAnswer(command, answer.stdout);
  return Array.isArray(parsed) ? (parsed as LinkEntry[]) : [];
};
