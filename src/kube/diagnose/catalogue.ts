/** One way in which pods do not get their VFs, with what to do. */
export interface Failure {
  readonly id: string;
  readonly cause: string;
  readonly remedy: string;
}

const failure = (cause: string, remedy: string) => ({ cause, remedy });

/**
 * The known failures by id. What is found is told in the words of the components; these are the
 * words of what it means.
 */
export const failures = {
  'pf-counted': failure(
    'broad selectors count a PF without VFs, or VFs of another port',
    'Add rootDevices or pfNames to the pool; `sriovctl setup` writes both PF and range.',
  ),
  'resource-absent': failure(
    'no device matched when the plugin started: wrong ids or driver, or VFs made later',
    'Make and bind the VFs, then restart the plugin’s pod on this node.',
  ),
  'count-low': failure(
    'another pool took the devices, an item of the list is ignored, or a VF has no driver',
    'Merge the ranges of a PF into one item, keep pools apart, bind the VF.',
  ),
  'config-unread': failure(
    'the plugin reads its configuration once, at its start',
    'Restart the plugin’s pod on this node: `sriovctl setup` does so.',
  ),
  'plugin-ended': failure(
    'the plugin ended without an error code: bad JSON, no key for this node, or an empty list',
    'Correct the configuration; `sriovctl kube lint` tells where.',
  ),
  'plugin-fatal': failure(
    'the plugin ended with an error: a name given twice, bad characters, selectors that exclude each other or are missing',
    'Correct the configuration; `sriovctl kube lint` tells where.',
  ),
  'pool-dropped': failure(
    'the selectors of one pool have the wrong type, and the plugin left it out',
    'Write lists where lists belong: "vendors": ["8086"].',
  ),
  'no-host-network': failure(
    'the plugin is not in the host’s network namespace and sees none of the netdevs',
    'Set hostNetwork: true in its DaemonSet.',
  ),
  'not-registered': failure(
    'kubelet refused the plugin or does not look where it registers',
    'Check the resource’s name and kubelet’s --root-dir, then delete the plugin’s pod.',
  ),
  'plugin-away': failure(
    'kubelet lost the plugin: it has not registered again yet, or is dead',
    'Wait a minute; then delete the plugin’s pod on this node.',
  ),
  'stale-resource': failure(
    'the resource was renamed or removed; kubelet keeps the old name at 0',
    'It is harmless; it goes when the Node object is created anew.',
  ),
  insufficient: failure(
    'all VFs are in use, or the name of the resource is another one',
    'Compare the name with the node’s allocatable; free VFs or make more.',
  ),
  unadmitted: failure(
    'the plugin was not registered when kubelet admitted the pod: it was restarting, or the node booting',
    'Delete the pod and create it again: it does not recover.',
  ),
  'sriov-missing': failure(
    'the SR-IOV CNI is not in the folder that the runtime looks in, or SELinux refused the copy',
    'Compare the folder with `crictl info`; with SELinux let its container be privileged.',
  ),
  'cni-missing': failure(
    'a CNI plugin that the network names is not on the node',
    'Install the reference CNI plugins, or name the right folder.',
  ),
  'no-device': failure(
    'the network names no resource, or another than the pod asks for',
    'Make three names equal: the annotation of the network, the request of the pod, the resource of the node.',
  ),
  'vf-unbound': failure(
    'the VF has no driver, or its netdev is still in the network namespace of a pod that is gone',
    'Unbind and bind the VF.',
  ),
  'vf-taken': failure(
    'the pod before has not been cleaned up, or two owners hand out the same VF',
    'Wait for the old pod’s removal; end the double ownership.',
  ),
  'vf-setting': failure(
    'the PF’s driver refused a setting of the network for this VF',
    'Drop the setting, or try it by hand: ip link set dev PF vf N …; see dmesg.',
  ),
  'network-missing': failure(
    'the network is in another namespace than the pod, or was made later',
    'Name it with its namespace: namespace/name.',
  ),
  'network-forbidden': failure(
    'Multus lets pods use networks of their own namespace only',
    'Put the network there, or its namespace into globalNamespaces.',
  ),
  'multus-inactive': failure(
    'Multus was not active when the pod’s sandbox was made: after a boot, or switched off by another CNI',
    'Delete the pod once Multus is ready.',
  ),
  'cilium-exclusive': failure(
    'Cilium takes the configurations of other CNIs away',
    'Set cni.exclusive=false in Cilium’s configuration.',
  ),
  'multus-down': failure(
    'the Multus daemon is down, and with it the start of every pod of the node',
    'See why it ended (OOMKilled: raise its memory limit), then delete its pod.',
  ),
  'multus-unauthorized': failure(
    'the token in Multus’ kubeconfig has expired or its pod was replaced',
    'Delete the Multus pod on this node; use Multus thick, or --cleanup-config-on-exit=true.',
  ),
  'multus-busy': failure(
    'the manifest of Multus copies over a binary that is running',
    'Use a manifest whose init container is install_multus.',
  ),
  'multus-no-primary': failure(
    'Multus finds no configuration of the cluster’s own CNI',
    'Install the primary CNI first; compare the configuration folder with `crictl info`.',
  ),
  'mount-private': failure(
    'a folder that Multus shares with the host is on a private mount',
    'mount --make-rshared / on the node.',
  ),
  'netns-unseen': failure(
    'Multus or the CNI does not see the pod’s network namespace',
    'Mount /run/netns with HostToContainer; cri-dockerd needs hostPID.',
  ),
  'multus-race': failure(
    'a known race in the Multus daemon; a retry succeeds',
    'Upgrade Multus if it comes again.',
  ),
  'cni-version': failure(
    'the network has no cniVersion, or one that the plugins do not share',
    'Set "cniVersion": "1.0.0" in the network.',
  ),
  'selinux-socket': failure(
    'SELinux refuses the plugin its socket',
    'Let the plugin’s container be privileged.',
  ),
  'vfio-group-moved': failure(
    'after a boot the VF is in another IOMMU group than kubelet remembers',
    'Delete the pod and create it again.',
  ),
  'two-plugins': failure(
    'two device plugins offer the VFs of this node',
    'Keep one: the operator’s, or the one that was set up here.',
  ),
  'vfio-denied': failure(
    'the pod may not lock memory, or the VF shares its IOMMU group with other devices',
    'Give the container IPC_LOCK; see the group’s devices with `sriovctl list`.',
  ),
} as const satisfies Readonly<Record<string, Omit<Failure, 'id'>>>;

export type FailureId = keyof typeof failures;

/** A failure that is there, and the words or the state that show it. */
export type Shown = readonly [id: FailureId, shownBy: string];

export const failureOfId = (id: FailureId): Failure => ({ id, ...failures[id] });

/** The wordings of the components: events of pods, logs of the plugin and of Multus. */
const wordings: readonly (readonly [RegExp, FailureId])[] = [
  [/no devices in device pool/, 'resource-absent'],
  [/Cannot add device|error creating new device/, 'count-low'],
  [/unable to get SelectorObj/, 'pool-dropped'],
  [/error getting link attributes/, 'no-host-network'],
  [/failed to be registered|RegisterPlugin error|failed to dial device plugin/, 'not-registered'],
  [/bind: permission denied/, 'selinux-socket'],
  [/Insufficient \S+\.\S+\/\S+/, 'insufficient'],
  [
    /UnexpectedAdmissionError|no healthy devices present|cannot allocate unregistered device/,
    'unadmitted',
  ],
  [/failed to find plugin "sriov"/, 'sriov-missing'],
  [/failed to find plugin "/, 'cni-missing'],
  [/physfn\/net/, 'pf-counted'],
  [/VF pci addr is required/, 'no-device'],
  [/does not have a interface name or a dpdk driver/, 'vf-unbound'],
  [/pci address \S+ is already allocated/, 'vf-taken'],
  [/failed to set vf \d+ |failed to set (?:vlan|spoofchk|trust|rate)/i, 'vf-setting'],
  [/cannot find a network-attachment-definition|NoNetworkFound/, 'network-missing'],
  [/namespace isolation enabled/, 'network-forbidden'],
  [/multus\.sock: connect/, 'multus-down'],
  [/error waiting for pod: Unauthorized/, 'multus-unauthorized'],
  [/Text file busy/, 'multus-busy'],
  [/could not find a plugin configuration/, 'multus-no-primary'],
  [/is not a shared mount/, 'mount-private'],
  [/failed to open netns|unknown FS magic/, 'netns-unseen'],
  [/stat \/host\/etc\/cni\/net\.d/, 'multus-race'],
  [/incompatible CNI versions|no interfaces? in (?:the )?result/, 'cni-version'],
  [
    /\/dev\/vfio\/\d+.*(?:no such file|does not exist)|no such file.*\/dev\/vfio\/\d+/i,
    'vfio-group-moved',
  ],
];

/** The failure that a line of an event or a log tells of. */
export const recognize = (text: string): FailureId | undefined =>
  wordings.find(([pattern]) => pattern.test(text))?.[1];
