import type { HostPath, HostView } from '../host.ts';

/** The bytes that root may still write beside a file; `undefined` where that cannot be asked. */
export const readFreeSpace = async (
  host: HostView,
  path: HostPath,
): Promise<number | undefined> => {
  const answer = await host.query({ argv: ['stat', '-f', '-c', '%f %S', path] });
  if (!answer.ran || answer.exitCode !== 0) return undefined;
  const [blocks, size] = answer.stdout.trim().split(' ').map(Number);
  return blocks === undefined || size === undefined ? undefined : blocks * size;
};
