import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Iommu } from '../sysfs/iommu.ts';
import { wantedDrivers } from '../sysfs/vf-settings.ts';

/**
 * Whether the goal needs an IOMMU. VFs used as netdevs do not, VFs given to vfio-pci do; `--iommu=on`
 * asks for one anyway.
 */
export const needsIommu = ({ iommu, pfs }: ResolvedSpec): boolean =>
  iommu === 'on' || (iommu === 'auto' && pfs.some((pf) => wantedDrivers(pf).includes('vfio-pci')));

/** Of no use where the firmware offers no IOMMU. */
export const intelArgument = 'intel_iommu=on';

/**
 * The kernel arguments of a spec. Only Intel's driver has one that switches it on, and whether it is on
 * without depends on how the kernel was built (INTEL_IOMMU_DEFAULT_ON), so one who asks for an IOMMU
 * gets it spelled out. AMD's and Arm's are on wherever the firmware describes them.
 */
export const wantedArguments = (spec: ResolvedSpec, iommu: Iommu): readonly string[] => {
  const lacking = spec.iommu === 'on' || iommu.state !== 'active';
  const own = needsIommu(spec) && lacking && iommu.vendor === 'intel' ? [intelArgument] : [];
  return [...new Set([...own, ...(spec.boot?.kernelArgs ?? [])])];
};
