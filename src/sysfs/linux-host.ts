import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLine, HostError } from '../errors.ts';
import type { Action, Command, Host, HostPath } from '../host.ts';
import { removeFile, writeFileAtomically } from './atomic-file.ts';
import { linkCommand, moduleCommand } from './commands.ts';
import { eswitchCommand } from './devlink.ts';
import { errnoOf, errnoOfMessage } from './errno.ts';
import { runGenerator } from './generator.ts';
import { withKernelLog } from './kernel-log.ts';
import { runCommand, runToSuccess } from './linux-command.ts';
import { canBlock, linuxFs } from './linux-fs.ts';
import { vfCommands, vfError } from './vf-link.ts';

/**
 * How long a write to sriov_numvfs, bind or unbind may take, in milliseconds: 64 VFs of an i40e have
 * been seen to take 22 s, 125 of a mlx5 65 s.
 */
const blockingWriteMs = 300_000;

/** This machine. `root` is where its file system is mounted, for a process in a container. */
export const linuxHost = (
  options: {
    readonly root?: string;
    readonly writeMs?: number;
    readonly reachedAt?: string | undefined;
  } = {},
): Host => {
  const { root = '/', writeMs = blockingWriteMs, reachedAt } = options;
  const real = (path: HostPath): string => (root === '/' ? path : join(root, path));

  const perform = async (action: Action): Promise<void> => {
    switch (action.kind) {
      case 'attribute':
        if (canBlock(action.path)) {
          const { path, value } = action;
          return withKernelLog(runCommand, () => writeInChild(path, real(path), value, writeMs));
        }
        writeAttribute(action.path, real(action.path), action.value);
        return;
      case 'trigger':
        return writeInChild(action.path, real(action.path), action.value, writeMs);
      case 'file':
        writeFileAtomically(real(action.path), action);
        return;
      case 'remove':
        removeFile(real(action.path));
        return;
      case 'module':
        return run(moduleCommand(action.module));
      case 'link':
        return run(linkCommand(action.netdev, action.up));
      case 'vf':
        return setVfs(action);
      case 'eswitch':
        return run(eswitchCommand(action));
      case 'command':
      case 'object':
        return run(action.command);
      case 'regenerate':
        return runGenerator(action.command, (action.generates ?? []).map(real));
    }
  };

  return {
    simulated: false,
    ...(reachedAt !== undefined && { reachedAt }),
    fs: linuxFs(root),
    query: runCommand,
    perform,
    now: () => performance.now(),
    wait: (ms) => sleep(ms),
  };
};

const setVfs = async (action: Extract<Action, { kind: 'vf' }>): Promise<void> => {
  for (const command of vfCommands(action)) {
    const result = await runCommand(command);
    if (!result.ran) throw new HostError('ENOENT', commandLine(command), result.because);
    if (result.exitCode !== 0) throw vfError(action, command, result.stderr);
  }
};

const run = async (command: Command): Promise<void> => {
  await runToSuccess(command);
};

/** One write(2) to an attribute that exists: opened without O_CREAT, so a missing one is ENOENT. */
const writeAttribute = (path: HostPath, realPath: string, value: string): void => {
  try {
    const file = openSync(realPath, 'r+');
    try {
      writeSync(file, value);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new HostError(errnoOf(error) ?? 'EIO', path, `writing ${JSON.stringify(value)}`, {
      cause: error,
    });
  }
};

/**
 * The same for an attribute whose write can sleep in the kernel for good: Node.js cannot abandon a
 * blocked thread of its own, but it can leave a child behind. dd opens without O_CREAT (`nocreat`)
 * and writes its input in one piece.
 */
const writeInChild = async (
  path: HostPath,
  realPath: string,
  value: string,
  timeoutMs: number,
): Promise<void> => {
  const result = await runCommand({
    argv: ['dd', `of=${realPath}`, 'conv=nocreat,notrunc', 'status=none'],
    stdin: value,
    timeoutMs,
  });
  if (!result.ran) throw new HostError('ENOENT', 'dd', result.because);
  if (result.exitCode === 0) return;
  throw new HostError(
    errnoOfMessage(result.stderr) ?? 'EIO',
    path,
    `writing ${JSON.stringify(value)}`,
  );
};
