import * as z from 'zod';
import { networksSchema } from './networks.ts';
import { folder, nodeName, objectName, resourceName, resourcePrefix } from './words.ts';

const labels = z.record(z.string(), z.string());
/** A reference as the runtime takes it; it is never part of a command line. */
const image = z.string().regex(/^[\w.:/@-]+$/, 'is no image');

const pool = z.strictObject({
  name: resourceName,
  pfs: z.array(z.string()).describe('PFs as in this file; all of them if left out').exactOptional(),
  vfs: z
    .string()
    .regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/, 'is no range of VFs such as 0-3,6')
    .describe('VF indexes such as 0-3,6 (in quotes); all if left out')
    .exactOptional(),
  rdma: z.boolean().describe('Only VFs capable of RDMA, with their RDMA devices').exactOptional(),
  vhostNet: z.boolean().describe('With /dev/vhost-net and /dev/net/tun').exactOptional(),
  excludeTopology: z.boolean().describe('Say nothing of NUMA nodes to kubelet').exactOptional(),
});

const toleration = z.strictObject({
  key: z.string().exactOptional(),
  operator: z.enum(['Exists', 'Equal']).exactOptional(),
  value: z.string().exactOptional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).exactOptional(),
});

/** What a user may say about the Kubernetes half; what is left out is in src/kube/defaults.ts. */
export const kubeSchema = z.strictObject({
  mode: z
    .enum(['auto', 'required', 'off'])
    .describe(
      'Whether a cluster is set up when one can be reached, must be reached, or is left alone',
    )
    .default('auto'),
  namespace: objectName
    .describe('Where Multus, the CNI and the device plugin run')
    .default('kube-system'),
  resourcePrefix: resourcePrefix
    .describe('What the names of resources begin with')
    .default('sriovctl.io'),
  resourceName: resourceName
    .describe('One resource name for all VFs of a kind, instead of one for each PF')
    .exactOptional(),
  pools: z
    .array(pool)
    .describe('Instead of one pool for each PF and kind of driver')
    .exactOptional(),
  networks: networksSchema.exactOptional(),
  networkNamespace: objectName
    .describe('Where networks and the sample workload live (default: default)')
    .exactOptional(),
  workload: z.boolean().describe('A sample pod with a VF, as the last stage').exactOptional(),
  allocation: z
    .enum(['device-plugin', 'dra'])
    .describe('Who hands VFs to pods: the device plugin (default), or a DRA driver that is there')
    .exactOptional(),
  draNamespace: objectName
    .describe('Where the DRA driver runs (default: dra-driver-sriov)')
    .exactOptional(),
  multus: z
    .enum(['thick', 'thin'])
    .describe('A daemon with a small shim (default), or a plugin alone')
    .exactOptional(),
  multusMemory: z
    .string()
    .regex(/^\d+(Mi|Gi)$/, 'is no amount such as 400Mi')
    .describe('The limit of the Multus daemon; a booting node needs 200Mi and more')
    .exactOptional(),
  canary: z
    .boolean()
    .describe('Start a plain pod before and after Multus changes (default: true)')
    .exactOptional(),
  images: z
    .strictObject({
      multus: image.exactOptional(),
      sriovCni: image.exactOptional(),
      devicePlugin: image.exactOptional(),
      smoke: image.exactOptional(),
    })
    .describe('Instead of the releases that are known to work')
    .exactOptional(),
  registry: image
    .describe('A mirror that stands for the registries of all images and keeps their paths')
    .exactOptional(),
  pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).exactOptional(),
  nodeSelector: labels
    .describe('Nodes of the DaemonSets, instead of those that were set up')
    .exactOptional(),
  tolerations: z.array(toleration).describe('Of the DaemonSets (default: all)').exactOptional(),
  cni: z
    .strictObject({
      binDir: folder.exactOptional(),
      confDir: folder.exactOptional(),
      privileged: z
        .boolean()
        .describe('Whether the container that copies the SR-IOV CNI is privileged')
        .exactOptional(),
    })
    .describe('The CNI’s folders, instead of those that the node’s runtime says')
    .exactOptional(),
  kubeconfig: z.string().min(1).describe('Passed on to kubectl').exactOptional(),
  context: z.string().min(1).describe('Passed on to kubectl').exactOptional(),
  node: nodeName.describe('This host’s name in the cluster').exactOptional(),
});
