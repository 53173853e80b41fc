import { z } from 'zod';
import type { Command, HostView } from '../host.ts';

/** All links with their details (ip-link(8)); VFs are listed below their PF. */
export const ipLinkCommand: Command = { argv: ['ip', '-j', '-d', 'link', 'show'] };

/** One link of `ip -j -d link`, as far as it is used. */
export type IpLink = z.infer<typeof ipLinkSchema>;

const ipLinkSchema = z.object({
  ifname: z.string(),
  address: z.string().optional(),
  /** Given where it differs from `address`. */
  permaddr: z.string().optional(),
  altnames: z.array(z.string()).default([]),
});

/** The links of the host's network namespace; none where `ip` cannot be asked. */
export const queryLinks = async (host: HostView): Promise<readonly IpLink[]> => {
  const answer = await host.query(ipLinkCommand);
  if (!answer.ran || answer.exitCode !== 0) return [];
  const parsed = z.array(ipLinkSchema).safeParse(JSON.parse(answer.stdout));
  return parsed.success ? parsed.data : [];
};
