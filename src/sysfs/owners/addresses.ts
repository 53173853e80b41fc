import * as z from 'zod';
import type { Command, HostView } from '../../host.ts';
import { jsonAnswer } from '../json-answer.ts';

/** All addresses of the host's network namespace (ip-address(8)). */
export const ipAddressCommand: Command = { argv: ['ip', '-j', 'address', 'show'] };

const addressesSchema = z.array(
  z.object({
    ifname: z.string().optional(),
    addr_info: z
      .array(z.object({ local: z.string().optional(), scope: z.string().optional() }))
      .default([]),
  }),
);

/**
 * Addresses by netdev, without those of the link itself (fe80::…), which every netdev that is up
 * gives itself. Empty where `ip` cannot be asked.
 */
export const queryAddresses = async (
  host: HostView,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const answer = await host.query(ipAddressCommand);
  if (!answer.ran || answer.exitCode !== 0) return new Map();
  const parsed = addressesSchema.safeParse(jsonAnswer(ipAddressCommand, answer.stdout || '[]'));
  return new Map(
    (parsed.data ?? []).flatMap(({ ifname, addr_info }) => {
      const own = addr_info.flatMap(({ local, scope }) => (scope === 'link' ? [] : (local ?? [])));
      return ifname === undefined ? [] : [[ifname, own] as const];
    }),
  );
};
