import * as z from 'zod';

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
  qdisc: z.string().optional(),
  altnames: z.array(z.string()).default([]),
  vfinfo_list: z.array(vfInfoSchema).default([]),
});

/** What `ip -j -d link` prints, as far as it is used. */
export const ipLinksSchema = z.array(ipLinkSchema);

export type IpLink = z.infer<typeof ipLinkSchema>;
