import type { CommandResult, HostFs } from '../../host.ts';
import { printed } from './printed.ts';

/** `ip -j route show [default]` from /proc/net/route (IPv4; hexadecimal, in the machine's byte order). */
export const readRoutes = async (
  fs: HostFs,
  words: readonly string[],
): Promise<CommandResult | undefined> => {
  const text = await fs.readText('/proc/net/route');
  if (text === undefined) return undefined;
  const routes = text.trim().split('\n').slice(1).map(routeOf);
  const shown = words[0] === 'default' ? routes.filter(({ dst }) => dst === 'default') : routes;
  return printed(`${JSON.stringify(shown)}\n`);
};

const routeOf = (line: string) => {
  const [dev = '', destination = '', gateway = '', , , , metric = '0', mask = ''] =
    line.split(/\s+/);
  const bits = BigInt(`0x${mask || '0'}`)
    .toString(2)
    .replaceAll('0', '').length;
  const dst = bits === 0 ? 'default' : `${dotted(destination)}/${bits}`;
  return {
    dst,
    ...(/^0+$/.test(gateway) ? { scope: 'link' } : { gateway: dotted(gateway) }),
    dev,
    ...(metric !== '0' && { metric: Number(metric) }),
    flags: [],
  };
};

const dotted = (hex: string): string =>
  (hex.match(/../g) ?? [])
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
