import { renumbersBuses } from '../boot/remedies.ts';
import { SriovctlError } from '../errors.ts';
import type { Host } from '../host.ts';
import { continuationPath, continuationText, continuationUnit } from '../persist/continuation.ts';
import { systemdRunning } from '../persist/places.ts';
import type { NodeSpec } from '../spec/node-spec.ts';
import { permanentMacs, resolvePf } from '../sysfs/resolve-pf.ts';
import { ownCommand } from './own-command.ts';
import type { WritingFlags } from './run-stages.ts';
import type { Streams } from './streams.ts';
import { wantedSpec } from './wanted.ts';

export interface RebootFlags extends WritingFlags {
  readonly reboot?: boolean;
}

/** @throws SriovctlError NO_SYSTEMD before anything is changed on a host that could not go on by itself. */
export const assertRebootable = async (flags: RebootFlags, { fs }: Host): Promise<void> => {
  if (flags.reboot !== true || (await fs.stat(systemdRunning)) !== undefined) return;
  throw new SriovctlError('NO_SYSTEMD', '--reboot needs systemd, which does not run here', {
    exit: 'refused',
    hint: 'Leave it out, reboot this host yourself and run the same command again.',
  });
};

/** Restarts this host in an orderly way; a one-shot of systemd then goes on with the same setup. */
export const rebootAndContinue = async (
  flags: RebootFlags,
  host: Host,
  { stderr }: Streams,
): Promise<void> => {
  if (flags.dryRun === true || host.simulated) {
    stderr.write('This host would be restarted now, and the setup would go on by itself.\n');
    return;
  }
  const content = await continuationOf(flags, host);
  stderr.write(`Restarting this host; then see: journalctl -b -u ${continuationUnit}\n`);
  await host.perform({ kind: 'file', path: continuationPath, content, mode: 0o644 });
  try {
    await systemctl(host, 'daemon-reload');
    await systemctl(host, 'enable', continuationUnit);
    await systemctl(host, 'reboot');
  } catch (error) {
    await systemctl(host, 'disable', continuationUnit);
    await host.perform({ kind: 'remove', path: continuationPath });
    throw error;
  }
};

/** The same setup as a unit that runs it: without --reboot, so that it cannot go round in circles. */
export const continuationOf = async (flags: RebootFlags, host: Host): Promise<string> => {
  const own = ownCommand();
  const { only, skip, recreate, force, forceConflicts } = flags;
  const spec = await wantedSpec(flags, host);
  return continuationText({
    argv: [
      ...own,
      'setup',
      '--config=/dev/stdin',
      ...(only === undefined ? [] : [`--only=${only.join(',')}`]),
      ...(skip === undefined ? [] : [`--skip=${skip.join(',')}`]),
      ...(recreate === true ? ['--recreate'] : []),
      ...(force === true ? ['--force'] : []),
      ...(forceConflicts === true ? ['--force-conflicts'] : []),
    ],
    input: JSON.stringify(await asFoundAgain(spec, host)),
    folder: process.cwd(),
    environment: Object.fromEntries(
      kept.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    needs: own,
  });
};

/** By which kubectl finds its cluster, and our own. */
const kept = ['HOME', 'KUBECONFIG', 'SRIOVCTL_WRITE_TIMEOUT'] as const;

/** Where addresses and names are given out anew, a PF is found again by the card's own MAC. */
const asFoundAgain = async (spec: NodeSpec, host: Host): Promise<NodeSpec> => {
  if (!(spec.boot?.kernelArgs ?? []).some(renumbersBuses)) return spec;
  const macs = await permanentMacs(host);
  const pfs = [];
  for (const entry of spec.pfs) {
    const address = entry.pf === undefined ? undefined : await resolvePf(host, entry.pf);
    const mac = macs.find((own) => own.address === address)?.mac;
    pfs.push(mac === undefined ? entry : { ...entry, pf: mac });
  }
  return { ...spec, pfs };
};

const systemctl = (host: Host, ...args: readonly string[]): Promise<void> =>
  host.perform({ kind: 'command', command: { argv: ['systemctl', ...args] } });
