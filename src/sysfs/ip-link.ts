import { z } from 'zod';
import type { Command, HostView } from '../host.ts';

/** All links with their details (ip-link(8)); VFs are listed below their PF. */
export const ipLinkCommand: Command = { argv: ['ip', '-j', '-d', 'link', 'show'] };

/** One link of `ip -j -d link`, as far as it is used. */
export type IpLink = z.infer<typeof ipLinkSchema>;

/** print_vfinfo in ipaddress.c of iproute2; what a driver does not report is left out. */
const vfInfoSchema = z.object({
  vf: z.int(),
  address: z.string(),
  vlan_list: z
    .array(
      z.object({
        vlan: z.int().optional(),
        qos: z.int().optional(),
        protocol: z.string().optional(),
      }),
    )
    .default([]),
  tx_rate: z.int().optional(),
  rate: z.object({ max_tx: z.int(), min_tx: z.int() }).optional(),
  spoofchk: z.boolean().optional(),
  trust: z.boolean().optional(),
  link_state: z.enum(['auto', 'enable', 'disable']).default('auto'),
  'node guid': z.string().optional(),
  'port guid': z.string().optional(),
});

const ipLinkSchema = z.object({
  ifname: z.string(),
  address: z.string().optional(),
  /** Given where it differs from `address`. */
  permaddr: z.string().optional(),
  altnames: z.array(z.string()).default([]),
  vfinfo_list: z.array(vfInfoSchema).default([]),
});

/** The links of the host's network namespace; none where `ip` cannot be asked. */
export const queryLinks = async (host: HostView): Promise<readonly IpLink[]> =>
  ask(host, ipLinkCommand);

/** One link; `undefined` where it is not there or `ip` cannot be asked. */
export const queryLink = async (host: HostView, netdev: string): Promise<IpLink | undefined> => {
  const [link] = await ask(host, { argv: [...ipLinkCommand.argv, 'dev', netdev] });
  return link;
};

const ask = async (host: HostView, command: Command): Promise<readonly IpLink[]> => {
  const answer = await host.query(command);
  if (!answer.ran || answer.exitCode !== 0) return [];
  const parsed = z.array(ipLinkSchema).safeParse(JSON.parse(answer.stdout));
  return parsed.success ? parsed.data : [];
};
