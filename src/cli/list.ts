import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import type { HostView } from '../host.ts';
import { listDocument } from '../report/json.ts';
import { pfsText } from '../report/pf-text.ts';
import { type NamedPf, readInventory } from '../sysfs/inventory.ts';
import { orUnknown } from '../sysfs/read.ts';
import { openHost } from './host.ts';
import { addOutputFlags, emit, type OutputFlags, type Result } from './output.ts';
import { secondsOf } from './seconds.ts';
import type { Streams } from './streams.ts';

interface ListFlags extends OutputFlags {
  readonly simulate?: string;
  readonly wide?: boolean;
  readonly tree?: boolean;
  /** Seconds between two looks. */
  readonly watch?: number;
}

const examples = `
Examples:
  sriovctl list --tree
  sriovctl list -o json
  sriovctl list -o svg --out topology.svg
  sriovctl list --watch`;

/** `sriovctl list`: PFs and their VFs, from sysfs alone. */
export const listCommand = (streams: Streams): Command =>
  addOutputFlags(new Command('list'), { formats: ['dot', 'mermaid', 'svg'] })
    .summary('show PFs and their VFs')
    .description('Show the SR-IOV network cards of this host and their Virtual Functions.')
    .option('--wide', 'one line for each function, with who uses it')
    .addOption(
      new Option('--tree', 'cards, ports and VFs as a tree, with who uses them').conflicts('wide'),
    )
    .option('--simulate <dir>', 'look at a captured host tree instead of this host')
    .addOption(
      new Option('--watch [seconds]', 'look again and again, and show what has changed')
        .argParser(secondsOf)
        .preset('1'),
    )
    .addHelpText('after', examples)
    .action(async (flags: ListFlags) => {
      const host = await openHost(flags.simulate);
      if (flags.watch === undefined) await emit(streams, flags, await look(host, flags));
      else await watch(host, flags, flags.watch, streams);
    });

const look = async (host: HostView, { wide, tree }: ListFlags): Promise<Result> => {
  const pfs = await readInventory(host.fs);
  const text = async (): Promise<string> => {
    if (wide !== true && tree !== true) return pfsText(pfs);
    const { treeText, wideText } = await import('../report/topology.ts');
    const holders = await holdersOf(host, pfs);
    return tree === true ? treeText(pfs, holders) : wideText(pfs, holders);
  };
  const graph = () => import('../report/topology-graph.ts');
  return {
    document: listDocument(pfs),
    texts: {
      text,
      dot: async () => (await graph()).dotText(pfs),
      mermaid: async () => (await graph()).mermaidText(pfs),
      svg: async () => (await graph()).svgText(pfs),
    },
  };
};

/** Who uses each VF: pods, guests, namespaces, processes; nobody is known to where only root may see. */
const holdersOf = async (
  host: HostView,
  pfs: readonly NamedPf[],
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const { usesOf } = await import('../sysfs/owners/uses.ts');
  const uses = await orUnknown(
    usesOf(
      host,
      pfs.flatMap(({ vfs }) => vfs),
    ),
  );
  const holders = new Map<string, string[]>();
  for (const { vf, by } of uses ?? []) {
    holders.set(vf.address, [...(holders.get(vf.address) ?? []), by]);
  }
  return holders;
};

/** A terminal is drawn anew at each change; elsewhere each change is appended. */
const watch = async (
  host: HostView,
  flags: ListFlags,
  seconds: number,
  streams: Streams,
): Promise<void> => {
  const stop = new AbortController();
  process.once('SIGINT', () => {
    stop.abort();
  });
  const clear = streams.stdout.isTTY === true && flags.out === undefined ? '\u001b[H\u001b[2J' : '';
  let before: string | undefined;
  while (!stop.signal.aborted) {
    const result = await look(host, flags);
    const now = JSON.stringify(result.document);
    if (now !== before) {
      if (clear !== '') process.stdout.write(clear);
      await emit(streams, flags, result);
    }
    before = now;
    await sleep(seconds * 1000, undefined, { signal: stop.signal }).catch(() => undefined);
  }
};
