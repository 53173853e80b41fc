import { type Command, Option } from 'commander';
import type { NodeSpecInput } from '../spec/node-spec.ts';

type KubeInput = NonNullable<NodeSpecInput['kube']>;

/** Flags of the Kubernetes stages, after parsing; everything else is in a spec file. */
export interface KubeFlags
  extends Pick<
    KubeInput,
    | 'kubeconfig'
    | 'context'
    | 'node'
    | 'namespace'
    | 'networkNamespace'
    | 'resourcePrefix'
    | 'resourceName'
    | 'registry'
    | 'allocation'
    | 'workload'
  > {
  readonly kube?: boolean;
}

/** Each flag is the key of the same name in the spec's `kube`. */
export const addKubeFlags = (command: Command): Command =>
  command
    .option('--kube', 'fail when no cluster can be reached')
    .option('--no-kube', 'leave the Kubernetes stages out')
    .option('--kubeconfig <file>', 'passed on to kubectl')
    .option('--context <name>', 'passed on to kubectl')
    .option(
      '--node <name>',
      'the node of the cluster, where it is not called as this host; `kube` works on other nodes, too',
    )
    .option('--namespace <name>', 'where Multus, the CNI and the device plugin run')
    .option('--network-namespace <name>', 'where networks and sample pods live')
    .option('--resource-prefix <domain>', 'what the names of resources begin with')
    .option('--resource-name <name>', 'one resource for all VFs of a kind')
    .option('--registry <mirror>', 'a mirror that all images come from')
    .addOption(
      new Option('--allocation <way>', 'who hands VFs to pods').choices(['device-plugin', 'dra']),
    )
    .option('--workload', 'a sample pod with a VF, as the last stage');

const keys = [
  'kubeconfig',
  'context',
  'node',
  'namespace',
  'networkNamespace',
  'resourcePrefix',
  'resourceName',
  'registry',
  'allocation',
  'workload',
] as const satisfies readonly (keyof KubeInput)[];

/** What the flags say, over a file. */
export const kubeFromFlags = (flags: KubeFlags, file: NodeSpecInput | undefined): KubeInput => ({
  ...file?.kube,
  ...(flags.kube !== undefined && { mode: flags.kube ? ('required' as const) : 'off' }),
  ...Object.fromEntries(
    keys.flatMap((key) => (flags[key] === undefined ? [] : [[key, flags[key]]])),
  ),
});
