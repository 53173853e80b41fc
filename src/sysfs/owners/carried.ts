import type { HostFs, HostView } from '../../host.ts';
import { netdev as netdevFolder } from '../paths.ts';
import { readLinkName } from '../read.ts';
import { queryAddresses } from './addresses.ts';
import { readRoutes } from './routes.ts';

/**
 * What goes over a netdev, itself or through bridges, bonds and VLANs above it: `the default route`,
 * `this SSH session`. A change that resets its port cuts them off.
 */
export const carriedBy = async (host: HostView, netdev: string): Promise<readonly string[]> => {
  const { fs, reachedAt } = host;
  const defaults = (await readRoutes(fs)).filter(({ destination }) => destination === 'default');
  const session = reachedAt === undefined ? [] : await netdevsWith(host, reachedAt);
  const isBelow = async (above: string): Promise<boolean> => (await lowest(fs, above)).has(netdev);
  const carried: string[] = [];
  if (
    await some(
      defaults.map(({ dev }) => dev),
      isBelow,
    )
  )
    carried.push('the default route');
  if (await some(session, isBelow)) carried.push('this SSH session');
  const master = await readLinkName(fs, `${netdevFolder(netdev)}/master`);
  if (master !== undefined) carried.push(`a port of ${master}`);
  return carried;
};

const netdevsWith = async (host: HostView, address: string): Promise<readonly string[]> =>
  [...(await queryAddresses(host))].flatMap(([name, own]) => (own.includes(address) ? [name] : []));

/** A netdev and all that it stands on (`lower_*` links), as deep as they are stacked. */
const lowest = async (
  fs: HostFs,
  name: string,
  seen = new Set<string>(),
): Promise<ReadonlySet<string>> => {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const entry of (await fs.list(netdevFolder(name))) ?? []) {
    if (entry.startsWith('lower_')) await lowest(fs, entry.slice('lower_'.length), seen);
  }
  return seen;
};

const some = async (
  names: readonly string[],
  holds: (name: string) => Promise<boolean>,
): Promise<boolean> => {
  for (const name of names) if (await holds(name)) return true;
  return false;
};
