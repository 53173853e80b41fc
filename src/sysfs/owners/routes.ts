import type { HostFs } from '../../host.ts';
import { ipv4Routes, ipv6Routes } from '../paths.ts';

export interface Route {
  readonly dev: string;
  /** `default`, or a network with the length of its prefix. */
  readonly destination: string;
}

/** Routes that somebody set up, of the main table for IPv4 and of all tables for IPv6. */
export const readRoutes = async (fs: HostFs): Promise<readonly Route[]> => [
  ...ipv4((await fs.readText(ipv4Routes)) ?? ''),
  ...ipv6((await fs.readText(ipv6Routes)) ?? ''),
];

/** Words in the machine's byte order, which is little-endian wherever this runs (net/ipv4/fib_trie.c). */
const ipv4 = (text: string): readonly Route[] =>
  text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [dev = '', destination = '', , , , , , mask = ''] = line.split(/\s+/);
      if (dev === '' || mask === '') return [];
      const bits = BigInt(`0x${mask}`).toString(2).replaceAll('0', '').length;
      return [{ dev, destination: bits === 0 ? 'default' : `${dotted(destination)}/${bits}` }];
    });

/** RTF_REJECT, RTF_ANYCAST and RTF_LOCAL, include/uapi/linux/route.h and ipv6_route.h. */
const notForwarding = 0x0200n | 0x0010_0000n | 0x8000_0000n;

/** Every netdev that is up has routes to fe80::/64 and ff00::/8; they say nothing of its use. */
const ipv6 = (text: string): readonly Route[] =>
  text.split('\n').flatMap((line) => {
    const [network = '', length = '', , , , , , , flags = '0', dev = ''] = line.trim().split(/\s+/);
    if (dev === '' || dev === 'lo' || /^(?:fe80|ff)/.test(network)) return [];
    if ((BigInt(`0x${flags}`) & notForwarding) !== 0n) return [];
    const bits = Number.parseInt(length, 16);
    const address = network.replace(/(....)(?!$)/g, '$1:');
    return [{ dev, destination: bits === 0 ? 'default' : `${address}/${bits}` }];
  });

const dotted = (hex: string): string =>
  (hex.match(/../g) ?? [])
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
