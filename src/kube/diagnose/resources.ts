import { differenceOf } from '../expected-sets.ts';
import { appliedBy } from '../fields.ts';
import { objectAt, textAt } from '../json.ts';
import { nodeManager } from '../plan-objects.ts';
import type { DeviceSet } from '../registered.ts';
import type { Shown } from './catalogue.ts';
import type { Evidence } from './evidence.ts';

/** What the node offers, against what the configuration and the VFs promise. */
export const resourceFailures = (evidence: Evidence): readonly Shown[] => [
  ...unreadConfig(evidence),
  ...[...(evidence.expected ?? [])].flatMap(([resource, set]) =>
    resourceFailure(evidence, resource, set),
  ),
  ...staleResources(evidence),
];

const resourceFailure = (
  { registered, node }: Evidence,
  resource: string,
  expected: DeviceSet,
): readonly Shown[] => {
  const actual = registered.get(resource);
  if (actual === undefined) {
    return expected.count === 0
      ? [['resource-absent', `no device of this node matches the pool ${resource}`]]
      : [['resource-absent', `${resource} is not registered, ${expected.count} devices match it`]];
  }
  const { count, devices = [] } = actual;
  const capacity = Number(objectAt(node, 'status', 'capacity')[resource] ?? 0);
  if (count === 0 && capacity > 0) {
    return [['plugin-away', `${resource} is 0 of ${capacity} on the node`]];
  }
  const { missing, extra } =
    devices.length === 0 || expected.devices === undefined
      ? { missing: [], extra: [] }
      : differenceOf(devices, expected.devices);
  if (count > expected.count || extra.length > 0) {
    const which = extra.length === 0 ? '' : ` (${extra.join(', ')})`;
    return [['pf-counted', `${resource} is ${count}${which}, expected are ${expected.count}`]];
  }
  if (count < expected.count || missing.length > 0) {
    const which = missing.length === 0 ? '' : ` (without ${missing.join(', ')})`;
    return [['count-low', `${resource} is ${count}${which}, expected are ${expected.count}`]];
  }
  return [];
};

const unreadConfig = ({ configMap, pluginPod, node }: Evidence): readonly Shown[] => {
  const owner = configMap && appliedBy(configMap, nodeManager(node?.metadata.name ?? ''));
  const changed = Date.parse(owner?.time ?? '');
  const started = Date.parse(textAt(pluginPod, 'metadata', 'creationTimestamp') ?? '');
  return started < changed
    ? [['config-unread', `pod ${pluginPod?.metadata.name ?? ''} is older than its configuration`]]
    : [];
};

/** Names that a plugin had registered once: the same prefix, nothing of it left. */
const staleResources = ({ expected, node }: Evidence): readonly Shown[] => {
  if (expected === undefined) return [];
  const prefixes = new Set([...expected.keys()].map((resource) => resource.split('/')[0]));
  return Object.entries(objectAt(node, 'status', 'capacity')).flatMap(
    ([resource, amount]): readonly Shown[] =>
      prefixes.has(resource.split('/')[0]) && amount === '0' && !expected.has(resource)
        ? [['stale-resource', `${resource} is 0 on the node, and in no pool`]]
        : [],
  );
};
