import { createHash } from 'node:crypto';
import path from 'node:path';
import { execa } from 'execa';
import { buildInto } from './cache.ts';
import type { Image, Snapshot } from './launch.ts';
import { startMachine } from './machine.ts';
import { type Hardware, qemuArguments } from './qemu.ts';

/** Boots this hardware once and keeps the machine as it was then, from which the next ones go on in two seconds. */
export async function ensureSnapshot(image: Image, hardware: Hardware): Promise<Snapshot> {
  const directory = path.join(path.dirname(image.disk), `booted-${await keyOf(hardware)}`);
  await buildInto(directory, async (building) => {
    await using machine = await startMachine({ image, hardware });
    await machine.saveTo(snapshotIn(building));
  });
  return snapshotIn(directory);
}

const snapshotIn = (directory: string): Snapshot => ({
  state: path.join(directory, 'state'),
  disk: path.join(directory, 'disk.qcow2'),
  firmwareVariables: path.join(directory, 'firmware-variables.fd'),
  consoleLog: path.join(directory, 'console.log'),
});

/** A saved machine can only go on in the same machine, run by the same QEMU. */
async function keyOf(hardware: Hardware): Promise<string> {
  const { stdout: version } = await execa('qemu-system-x86_64', ['--version']);
  const argv = qemuArguments(hardware, anyFiles);
  return createHash('sha256')
    .update(JSON.stringify([version, argv]))
    .digest('hex')
    .slice(0, 16);
}

const anyFiles = {
  disk: '',
  diskFormat: 'qcow2',
  kernel: '',
  initrd: '',
  firmwareVariables: '',
  dist: '',
  share: '',
  consoleLog: '',
  agentSocket: '',
  monitorSocket: '',
  shellSocket: '',
} as const;
