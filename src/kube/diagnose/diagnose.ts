import { isJsonObject, type Json, listAt, objectAt, textAt } from '../json.ts';
import { lintNetworkConfig } from '../lint/network.ts';
import { lintPluginConfig } from '../lint/plugin-config.ts';
import { networksAnnotation, statusAnnotation } from '../manifests/workload.ts';
import { describeRef, type LiveObject, refOf } from '../object.ts';
import { type Failure, type FailureId, failureOfId, recognize, type Shown } from './catalogue.ts';
import type { Evidence } from './evidence.ts';
import { resourceFailures } from './resources.ts';

/** A known failure that is there now, and what shows it. */
export interface Diagnosis extends Failure {
  readonly shownBy: string;
}

/** All known failures that the evidence shows, each once, in the order a pod meets them. */
export const diagnose = (evidence: Evidence): readonly Diagnosis[] => {
  const found = [
    ...pluginFailures(evidence),
    ...resourceFailures(evidence),
    ...podFailures(evidence),
    ...multusFailures(evidence),
    ...networkFailures(evidence),
    ...messageFailures(evidence),
  ];
  const seen = new Set<FailureId>();
  return found
    .filter(([id]) => !seen.has(id) && seen.add(id))
    .map(([id, shownBy]) => ({ ...failureOfId(id), shownBy }));
};

const pluginFailures = (evidence: Evidence): readonly Shown[] => {
  const { pluginPod, config, configMap, daemonSets } = evidence;
  const found: Shown[] = [];
  for (const status of listAt(pluginPod, 'status', 'containerStatuses')) {
    const code = exitCodeOf(status);
    if (code === undefined) continue;
    const name = `pod ${pluginPod?.metadata.name ?? ''} ended with exit code ${code}`;
    found.push([code === 0 ? 'plugin-ended' : 'plugin-fatal', name]);
  }
  for (const { problem } of config === undefined ? [] : lintPluginConfig(config)) {
    found.push([lintFailure(problem), problem]);
  }
  if (configMap !== undefined && config === undefined && pluginPod !== undefined) {
    found.push(['plugin-ended', `${describeRef(refOf(configMap))} has no key of this node`]);
  }
  const plugins = daemonSets.filter((one) => isImage(one, /sriov-(network-)?device-plugin/));
  const here = plugins.filter((daemonSet) => evidence.pods.some((pod) => owns(daemonSet, pod)));
  if (here.length > 1) {
    found.push(['two-plugins', here.map((one) => describeRef(refOf(one))).join(' and ')]);
  }
  for (const daemonSet of here) {
    if (objectAt(daemonSet, 'spec', 'template', 'spec')['hostNetwork'] !== true) {
      found.push(['no-host-network', `${describeRef(refOf(daemonSet))} has no hostNetwork`]);
    }
  }
  return found;
};

/** Which failure a mistake in the configuration leads to. */
const lintFailure = (problem: string): FailureId => {
  if (problem.includes('may count PFs')) return 'pf-counted';
  if (/is there twice|isRdma and vdpaType|auxTypes/.test(problem)) return 'plugin-fatal';
  if (/only the first is read|first mistake/.test(problem)) return 'count-low';
  if (/matches nothing|no PCI address/.test(problem)) return 'resource-absent';
  if (/resource name|prefix|too long/.test(problem)) return 'not-registered';
  return /selectors/.test(problem) ? 'pool-dropped' : 'plugin-ended';
};

const exitCodeOf = (status: Json): number | undefined => {
  for (const state of ['state', 'lastState']) {
    const code = objectAt(status, state, 'terminated')['exitCode'];
    if (typeof code === 'number') return code;
  }
  return undefined;
};

/** Failures that a pod's own status shows. */
const podFailures = ({ pods }: Evidence): readonly Shown[] =>
  pods.flatMap((pod): readonly Shown[] => {
    const name = `pod ${pod.metadata.namespace ?? ''}/${pod.metadata.name}`;
    const { annotations = {} } = pod.metadata;
    const found: Shown[] = [];
    if (textAt(pod, 'status', 'reason') === 'UnexpectedAdmissionError') {
      found.push(['unadmitted', name]);
    }
    const asks = annotations[networksAnnotation] !== undefined;
    const runs = textAt(pod, 'status', 'phase') === 'Running';
    if (asks && runs && annotations[statusAnnotation] === undefined) {
      found.push(['multus-inactive', `${name} runs without the networks it asks for`]);
    }
    if (wantsVfio(pod) && !mayLockMemory(pod)) {
      found.push(['vfio-denied', `${name} has a VF for userspace and no IPC_LOCK`]);
    }
    return found;
  });

const wantsVfio = (pod: LiveObject): boolean =>
  containersOf(pod).some((container) =>
    Object.keys(objectAt(container, 'resources', 'requests')).some((name) =>
      name.endsWith('_vfio'),
    ),
  );

const mayLockMemory = (pod: LiveObject): boolean =>
  containersOf(pod).some((container) => {
    const context = objectAt(container, 'securityContext');
    return (
      context['privileged'] === true || listAt(context, 'capabilities', 'add').includes('IPC_LOCK')
    );
  });

const containersOf = (pod: LiveObject): readonly Json[] => listAt(pod, 'spec', 'containers');

const multusFailures = (evidence: Evidence): readonly Shown[] => {
  const { multusPod, cniFiles = [], multusTokenExpires, ciliumConfig, now } = evidence;
  const found: Shown[] = [];
  const backup = cniFiles.find((file) => file.endsWith('.cilium_bak'));
  if (backup !== undefined) found.push(['cilium-exclusive', backup]);
  if (textAt(ciliumConfig, 'data', 'cni-exclusive') === 'true') {
    found.push(['cilium-exclusive', 'cni-exclusive is true in kube-system/cilium-config']);
  }
  const killed = listAt(multusPod, 'status', 'containerStatuses').some((status) =>
    ['state', 'lastState'].some(
      (state) => textAt(status, state, 'terminated', 'reason') === 'OOMKilled',
    ),
  );
  if (killed) found.push(['multus-down', `pod ${multusPod?.metadata.name ?? ''} was OOMKilled`]);
  if (multusTokenExpires !== undefined && multusTokenExpires * 1_000 < now) {
    found.push(['multus-unauthorized', 'the token in multus.kubeconfig has expired']);
  }
  return found;
};

const networkFailures = ({ networks }: Evidence): readonly Shown[] =>
  networks.flatMap((network): readonly Shown[] => {
    const config = textAt(network, 'spec', 'config');
    const versions = lintNetworkConfig(config ?? '').filter(({ problem }) =>
      problem.includes('cniVersion'),
    );
    return config === undefined || versions.length === 0
      ? []
      : [['cni-version', describeRef(refOf(network))]];
  });

/** What events and logs say in the components' own words. */
const messageFailures = (evidence: Evidence): readonly Shown[] => {
  const messages = [
    ...evidence.events.map((event) => textAt(event, 'message') ?? ''),
    ...evidence.waiting.flatMap((pod) =>
      listAt(pod, 'status', 'conditions').map((condition) => textAt(condition, 'message') ?? ''),
    ),
    ...evidence.pluginLog,
    ...evidence.multusLog,
  ];
  return messages.flatMap((message): readonly Shown[] => {
    const id = recognize(message);
    return id === undefined ? [] : [[id, message.trim().slice(0, 300)]];
  });
};

const isImage = (daemonSet: LiveObject, pattern: RegExp): boolean =>
  listAt(daemonSet, 'spec', 'template', 'spec', 'containers').some((container) =>
    pattern.test(textAt(container, 'image') ?? ''),
  );

const owns = (daemonSet: LiveObject, pod: LiveObject): boolean =>
  pod.metadata.namespace === daemonSet.metadata.namespace &&
  listAt(pod, 'metadata', 'ownerReferences').some(
    (owner) => isJsonObject(owner) && owner['name'] === daemonSet.metadata.name,
  );
