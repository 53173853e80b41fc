import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { commandLine, SriovctlError } from '../errors.ts';
import type { HostView } from '../host.ts';
import { listPfs, type PhysicalFunction } from '../sysfs/pci-device.ts';
import type { WritingFlags } from './run-stages.ts';
import type { Streams } from './streams.ts';
import { defaultSpecFile } from './wanted.ts';

/** Flags that say where, and not what: with these alone there is still everything to ask. */
const places = ['simulate', 'simulateOut'];

/** Questions are asked when, and only when, somebody at a terminal has said nothing at all. */
export const mayAsk = (command: Command, { stderr }: Streams): boolean =>
  process.stdin.isTTY &&
  stderr.isTTY === true &&
  !existsSync(defaultSpecFile) &&
  command.options.every(
    (option) =>
      command.getOptionValueSource(option.attributeName()) !== 'cli' ||
      places.includes(option.attributeName()),
  );

/**
 * Asks for a PF and a count from what the host has, and tells the command line that says the same.
 *
 * @throws SriovctlError NOT_ANSWERED (exit `interrupted`) where the user leaves.
 */
export const askFlags = async (
  host: HostView,
  flags: WritingFlags,
  { stderr }: Streams,
): Promise<WritingFlags> => {
  const pfs = await listPfs(host.fs);
  if (pfs.length === 0) return flags;
  const { isCancel, note, select, text } = await import('@clack/prompts');
  const answered = <T>(answer: T): Exclude<T, symbol> => {
    if (!isCancel(answer)) return answer as Exclude<T, symbol>;
    throw new SriovctlError('NOT_ANSWERED', 'left without an answer; nothing was changed', {
      exit: 'interrupted',
      hint: 'Run `sriovctl setup` again, or say it with --pf and --vfs.',
    });
  };
  // Standard output is for the result alone.
  const output = process.stderr;
  const pf = answered(
    await select({
      message: 'Which network card is to have Virtual Functions?',
      options: pfs.map((one) => ({
        value: one,
        label: nameOf(one),
        hint: `${one.driver ?? 'no driver'}, ${one.vfs.length} of ${one.sriov.totalVfs} VFs`,
      })),
      output,
    }),
  );
  const count = Number(
    answered(
      await text({
        message: `How many? 0 to ${pf.sriov.totalVfs}`,
        initialValue: String(pf.vfs.length === 0 ? Math.min(4, pf.sriov.totalVfs) : pf.vfs.length),
        validate: (value = '') =>
          /^\d{1,5}$/.test(value) && Number(value) <= pf.sriov.totalVfs
            ? undefined
            : `It is a whole number from 0 to ${pf.sriov.totalVfs}.`,
        output,
      }),
    ),
  );
  const dryRun =
    answered(
      await select({
        message: 'Make it so now?',
        options: [
          { value: 'plan', label: 'Show every change, and make none' },
          { value: 'setup', label: 'Set it up' },
        ],
        output,
      }),
    ) === 'plan';
  const name = pf.netdev ?? pf.address;
  const argv = [
    'sriovctl',
    'setup',
    ...['--pf', name, '--vfs', String(count)],
    ...(dryRun ? ['--dry-run'] : []),
    ...(flags.simulate === undefined ? [] : ['--simulate', flags.simulate]),
  ] as const;
  note(commandLine({ argv: [...argv] as [string, ...string[]] }), 'The same, without questions', {
    output,
  });
  stderr.write('\n');
  return { ...flags, dryRun, pf: [{ pf: name, vfs: count }] };
};

const nameOf = ({ netdev, address }: PhysicalFunction): string =>
  netdev === undefined ? address : `${netdev} (${address})`;
