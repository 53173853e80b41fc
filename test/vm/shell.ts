import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { bootGuest } from './guest.ts';

const usage = `usage: npm run vm:shell -- [--grub] [--no-iommu] [--append ARGUMENTS] [--cold]

A root shell in a fresh guest; Ctrl-] or leaving the shell ends it and discards what it did.
`;

const leave = 0x1d;

const { values } = parseArgs({
  options: {
    grub: { type: 'boolean', default: false },
    'no-iommu': { type: 'boolean', default: false },
    append: { type: 'string', default: '' },
    cold: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(usage);
else if (process.stdin.isTTY && process.stdout.isTTY) await openShell();
else throw new Error('A shell needs a terminal');

async function openShell(): Promise<void> {
  process.stderr.write('Starting the guest …\n');
  await using guest = await bootGuest({
    firmware: values.grub ? 'grub' : 'direct',
    iommu: !values['no-iommu'],
    append: values.append,
    coldBoot: values.cold,
  });
  process.stderr.write(`Its /mnt/share is ${guest.share}; Ctrl-] leaves.\r\n`);
  // Before the shell starts: a terminal without a peer is hung up.
  const terminal = connect(guest.shellSocket);
  await once(terminal, 'connect');
  const { rows, columns } = process.stdout;
  const size = `stty -F /dev/ttyS1 rows ${rows} cols ${columns}`;
  const shell = 'exec setsid --ctty --wait bash -li </dev/ttyS1 >/dev/ttyS1 2>&1';
  const bash = await guest.start(['sh', '-c', `${size}; ${shell}`], {
    cwd: '/root',
    env: { TERM: process.env['TERM'] ?? 'vt100' },
  });
  process.stdin.setRawMode(true);
  await Promise.race([bash.wait({ timeoutMs: 2 ** 31 - 1 }), join(terminal)]);
  process.stdin.setRawMode(false);
  process.stdin.destroy();
}

/** Resolves when the user has typed Ctrl-] or closed the terminal. */
async function join(terminal: Socket): Promise<void> {
  terminal.pipe(process.stdout);
  for await (const bytes of process.stdin as AsyncIterable<Buffer>) {
    if (bytes.includes(leave)) return;
    terminal.write(bytes);
  }
}
