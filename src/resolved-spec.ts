/** What a user wants of one PF, after the PF has been found on the host. */
export interface ResolvedPf {
  /** PCI address in full, for example 0000:01:00.0: the key of everything that follows. */
  readonly address: string;
  /** As the user gave it: netdev name, PCI address, altname or permanent MAC. */
  readonly selector: string;
  /** Number of Virtual Functions. */
  readonly vfs: number;
}

/** Settings of the Kubernetes stages. */
export interface KubeSpec {
  /** `auto` skips the stages when no cluster is reachable, `required` makes that an error. */
  readonly mode: 'auto' | 'required' | 'off';
  readonly namespace: string;
  readonly resourcePrefix: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** The wanted state of one node, with every PF found. */
export interface ResolvedSpec {
  readonly pfs: readonly ResolvedPf[];
  readonly iommu: 'auto' | 'on' | 'off';
  readonly kube: KubeSpec;
}
