import type { Command, HostView } from '../host.ts';
import type { IpLink } from './ip-link-schema.ts';
import { jsonAnswer } from './json-answer.ts';

/** All links with their details (ip-link(8)); VFs are listed below their PF. */
export const ipLinkCommand: Command = { argv: ['ip', '-j', '-d', 'link', 'show'] };

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
  const { ipLinksSchema } = await import('./ip-link-schema.ts');
  const parsed = ipLinksSchema.safeParse(jsonAnswer(command, answer.stdout));
  return parsed.success ? parsed.data : [];
};
