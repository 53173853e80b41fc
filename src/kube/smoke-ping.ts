import { workloadInterface } from './manifests/workload.ts';
import { ask, failed, passed, type SmokeFinding, type Trial, withPod } from './smoke-trial.ts';

/**
 * A ping from the running pod to one on another VF of the pool. It goes to the address that every
 * interface gives itself (IPv6 link-local), so it needs no address management and no cable: the
 * card's own switch connects its VFs.
 */
export const pingBetween = async (trial: Trial): Promise<readonly SmokeFinding[]> => {
  const { pool, pod } = trial;
  if (pool.kind !== 'kernel') return [];
  if (!('pfs' in pool) && pool.members.length < 2)
    return [passed('ping', 'the pool has one VF only: not tried')];
  const metadata = { ...pod.metadata, name: `${pod.metadata.name.slice(0, 58)}-peer` };
  const peer: Trial = { ...trial, pod: { ...pod, metadata } };
  const [running, ...more] = await withPod(peer, async () => [await pingTo(trial, peer)]);
  return running?.ok === false ? [running] : more;
};

const pingTo = async (trial: Trial, peer: Trial): Promise<SmokeFinding> => {
  const address = linkLocal((await ask(peer, ['cat', '/proc/net/if_inet6'])) ?? '');
  if (address === undefined) {
    const missing = `${workloadInterface} of pod ${peer.pod.metadata.name} has no IPv6 address of its own`;
    return { ...failed('ping', missing), hint: 'IPv6 may be off on this node.' };
  }
  const target = `${address}%${workloadInterface}`;
  const answer = (await ask(trial, ['ping', '-6', '-c', '3', '-W', '2', target])) ?? '';
  return /[1-9]\d* packets received/.test(answer)
    ? passed('ping', `the VFs of two pods reach each other (${address})`)
    : {
        ...failed('ping', `no answer from ${address}: ${answer.split('\n').at(-1) ?? ''}`),
        hint: 'A VF without a link: see `ip -d link show` of the PF, and linkState: enable in the network. Different VLANs are apart too.',
      };
};

/** The link-local address in /proc/net/if_inet6: 32 digits, index, prefix length, scope 20, flags, name. */
export const linkLocal = (text: string): string | undefined => {
  for (const line of text.split('\n')) {
    const [digits = '', , , scope, , name] = line.trim().split(/\s+/);
    if (scope === '20' && name === workloadInterface) return digits.match(/.{4}/g)?.join(':');
  }
  return undefined;
};
