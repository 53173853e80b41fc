import type { HostFs, KubeObject } from '../../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../../resolved-spec.ts';
import { netdevOf } from '../../sysfs/netdev.ts';
import { indented } from '../indented.ts';
import { formatIndexes } from '../pools/index-ranges.ts';
import { type PoolKind, pfNameOf, poolName } from '../pools/pool.ts';
import { declaredPf } from '../pools/read-pools.ts';
import { renderYaml } from '../yaml.ts';

/** A policy of the SR-IOV network operator (api/v1), as far as it is written here. */
interface NodePolicy extends KubeObject {
  readonly spec: {
    readonly resourceName: string;
    readonly nodeSelector: Readonly<Record<string, string>>;
    readonly nicSelector: {
      readonly rootDevices: readonly string[];
      /** Only names may have a range of VFs behind them. */
      readonly pfNames?: readonly string[];
    };
    readonly numVfs: number;
    readonly deviceType: 'netdevice' | 'vfio-pci';
    readonly externallyManaged: true;
  };
}

interface PolicySite {
  readonly node: string;
  readonly namespace: string;
  readonly fs: HostFs;
}

/**
 * The policies with which the operator leaves VFs to this program, and offers them to pods itself, as
 * an answer quotes them: one for each PF and kind of driver.
 */
export const quotedPolicies = async (spec: ResolvedSpec, site: PolicySite): Promise<string> => {
  const policies: NodePolicy[] = [];
  for (const pf of spec.pfs.filter(({ vfs }) => vfs > 0)) {
    const { vfs } = declaredPf(pf);
    for (const kind of new Set(vfs.map((vf) => vf.kind))) {
      const own = vfs.filter((vf) => vf.kind === kind).map(({ index }) => index);
      const range = own.length === vfs.length ? undefined : formatIndexes(own);
      policies.push(await nodePolicy(spec, site, { pf, kind, range }));
    }
  }
  return indented(renderYaml(policies));
};

interface PolicyPart {
  readonly pf: ResolvedPf;
  readonly kind: PoolKind;
  /** Where the PF has VFs of another kind, too. */
  readonly range: string | undefined;
}

const nodePolicy = async (
  { kube: { resourceName }, elsewhere }: ResolvedSpec,
  { node, namespace, fs }: PolicySite,
  { pf, kind, range }: PolicyPart,
): Promise<NodePolicy> => {
  const name = poolName(pfNameOf(pf), kind, resourceName);
  // What another node calls its PF is for the reader to fill in.
  const netdev = elsewhere ? undefined : await netdevOf(fs, pf.address);
  return {
    apiVersion: 'sriovnetwork.openshift.io/v1',
    kind: 'SriovNetworkNodePolicy',
    metadata: { name: `${name.replaceAll('_', '-')}-${node}`.slice(0, 63), namespace },
    spec: {
      resourceName: name,
      nodeSelector: { 'kubernetes.io/hostname': node },
      nicSelector: {
        rootDevices: [pf.address],
        ...(range !== undefined && { pfNames: [`${netdev ?? 'NETDEV'}#${range}`] }),
      },
      numVfs: pf.vfs,
      deviceType: kind === 'vfio' ? 'vfio-pci' : 'netdevice',
      externallyManaged: true,
    },
  };
};
