import type { KubeObject } from '../../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../../resolved-spec.ts';
import { indented } from '../indented.ts';
import { poolName } from '../pools/pool.ts';
import { renderYaml } from '../yaml.ts';

/** A policy of the SR-IOV network operator (api/v1), as far as it is written here. */
export interface NodePolicy extends KubeObject {
  readonly spec: {
    readonly resourceName: string;
    readonly nodeSelector: Readonly<Record<string, string>>;
    readonly nicSelector: { readonly rootDevices: readonly string[] };
    readonly numVfs: number;
    readonly deviceType: 'netdevice' | 'vfio-pci';
    readonly externallyManaged: true;
  };
}

export interface PolicySite {
  readonly node: string;
  readonly namespace: string;
}

/** The policies with which the operator leaves VFs to this program, and offers them to pods itself. */
export const nodePolicies = (
  { pfs, kube: { resourceName } }: Pick<ResolvedSpec, 'pfs' | 'kube'>,
  { node, namespace }: PolicySite,
): readonly NodePolicy[] =>
  pfs
    .filter(({ vfs }) => vfs > 0)
    .map((pf) => {
      const kind = pf.driver === 'vfio-pci' ? 'vfio' : 'kernel';
      const name = poolName(namedPf(pf), kind, resourceName);
      return {
        apiVersion: 'sriovnetwork.openshift.io/v1',
        kind: 'SriovNetworkNodePolicy',
        metadata: { name: `${name.replaceAll('_', '-')}-${node}`.slice(0, 63), namespace },
        spec: {
          resourceName: name,
          nodeSelector: { 'kubernetes.io/hostname': node },
          nicSelector: { rootDevices: [pf.address] },
          numVfs: pf.vfs,
          deviceType: kind === 'vfio' ? 'vfio-pci' : 'netdevice',
          externallyManaged: true,
        },
      };
    });

/** The policies as an answer quotes them. */
export const quotedPolicies = (spec: ResolvedSpec, site: PolicySite): string =>
  indented(renderYaml(nodePolicies(spec, site)));

/** A PF that was named by an address has no other name here. */
const namedPf = ({ address, selector }: ResolvedPf) => ({
  address,
  ...(!/[:.]/.test(selector) && { netdev: selector }),
});
