import type { HostPath } from '../../src/host.ts';
import type { Overlay } from '../../src/sysfs/overlay.ts';

/** Calls a netdev otherwise, as a .link file or an update of the kernel does between two boots. */
export const renameNetdev = async (fs: Overlay, from: string, to: string): Promise<void> => {
  const before = await fs.realPath(`/sys/class/net/${from}`);
  if (before === undefined) throw new Error(`There is no netdev ${from}`);
  const after: HostPath = `${before.slice(0, before.lastIndexOf('/')) as HostPath}/${to}`;
  for (const name of (await fs.list(before)) ?? []) {
    if ((await fs.stat(`${before}/${name}`))?.kind !== 'file') continue;
    const content = await fs.readText(`${before}/${name}`).catch(() => '');
    await fs.plant(`${after}/${name}`, content ?? '');
  }
  await fs.setLink(`${after}/device`, (await fs.readLink(`${before}/device`)) ?? '');
  await fs.remove(`/sys/class/net/${from}`);
  await fs.remove(before);
  await fs.setLink(`/sys/class/net/${to}`, `../..${after.slice('/sys'.length)}`);
};
