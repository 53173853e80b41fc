import type { HostView } from '../../host.ts';
import { readNetdev } from '../netdev.ts';
import { netdev as netdevFolder } from '../paths.ts';
import { readLinkName } from '../read.ts';
import { queryAddresses } from './addresses.ts';
import { readRoutes } from './routes.ts';
import type { FindUses, VfUse } from './vf-use.ts';

/** VFs that this host itself uses as a network interface. */
export const interfaceUses: FindUses = async (host, vfs) => {
  const named = vfs.flatMap((vf) => (vf.netdev === undefined ? [] : [{ vf, name: vf.netdev }]));
  if (named.length === 0) return [];
  const addresses = await queryAddresses(host);
  const routes = await readRoutes(host.fs);
  const uses: VfUse[] = [];
  for (const { vf, name } of named) {
    const given = addresses.get(name) ?? [];
    const own = given.length > 0 && (await readNetdev(host.fs, name)).up ? given : [];
    const routed = routes.filter(({ dev }) => dev === name).map(({ destination }) => destination);
    const reasons = [
      ...(await devicesAbove(host, name)),
      ...own.map(
        (address) =>
          `${address === host.reachedAt ? 'this SSH session, ' : ''}its address ${address}`,
      ),
      // With an address there is a route to its network anyway.
      ...(own.length > 0 ? routed.filter((each) => each === 'default') : routed).map(
        (destination) =>
          destination === 'default' ? 'the default route' : `a route to ${destination}`,
      ),
    ];
    uses.push(
      ...[...new Set(reasons)].map((by) => ({ vf, by: `this host: ${by}`, here: true as const })),
    );
  }
  return uses;
};

/** Bond, bridge or VRF that it is a port of, and VLAN, macvlan or the like on top of it. */
const devicesAbove = async ({ fs }: HostView, name: string): Promise<readonly string[]> => {
  const folder = netdevFolder(name);
  const master = await readLinkName(fs, `${folder}/master`);
  const above = ((await fs.list(folder)) ?? [])
    .filter((entry) => entry.startsWith('upper_'))
    .map((entry) => entry.slice('upper_'.length))
    .filter((upper) => upper !== master)
    .sort();
  return [
    ...(master === undefined ? [] : [`a port of ${master}`]),
    ...above.map((upper) => `${upper} on top of it`),
  ];
};
