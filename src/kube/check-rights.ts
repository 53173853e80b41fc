import type { CheckResult } from '../check.ts';
import { indented } from './indented.ts';
import { installerRole } from './installer-role.ts';
import type { Right } from './kubectl.ts';
import { missingRights, rightsFor } from './permissions.ts';
import type { WantedObject } from './plan-objects.ts';
import type { Site } from './stage.ts';
import { everyKind } from './wanted.ts';
import { renderYaml } from './yaml.ts';

/** Asked before anything is written; what an administrator has to grant is part of the answer. */
export const checkRights = async (
  { cluster, host, settings }: Site,
  wanted: readonly Pick<WantedObject, 'object'>[],
): Promise<CheckResult> => {
  const missing = await missingRights(cluster, host, rightsFor(wanted.map(({ object }) => object)));
  if (missing.length === 0) return { status: 'pass' };
  const role = renderYaml([installerRole(everyKind(settings, cluster.node))]);
  return {
    status: 'fail',
    problem: `the user of the kubeconfig may not ${missing.map(describe).join(', ')}`,
    hint: `Use a kubeconfig with more rights (--kubeconfig FILE), or have this bound to the user; \`sriovctl kube rbac\` prints it too:\n${indented(role)}`,
  };
};

const describe = ({ verb, group, resource, namespace }: Right): string =>
  `${verb} ${resource}${group === '' ? '' : `.${group}`}${namespace === undefined ? '' : ` in ${namespace}`}`;
