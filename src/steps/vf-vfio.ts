import type { CheckResult } from '../check.ts';
import type { HostFs, HostView } from '../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../resolved-spec.ts';
import { sharersOf, vfioWithoutIommu } from '../sysfs/iommu-group.ts';
import { readPf } from '../sysfs/pci-device.ts';
import { vfSettingsOf, wantedDrivers } from '../sysfs/vf-settings.ts';

/** vfio-pci takes no VF for which nothing translates, unless that is allowed by hand. */
export const checkIommu = async (host: HostView, wanted: ResolvedPf): Promise<CheckResult> => {
  if (!wantedDrivers(wanted).includes('vfio-pci')) return { status: 'pass' };
  const pf = await readPf(host.fs, wanted.address);
  if (pf === undefined || pf.iommuGroup !== undefined) return { status: 'pass' };
  if (await vfioWithoutIommu(host.fs)) {
    return { status: 'pass', detail: 'vfio without IOMMU: a VF can reach all memory' };
  }
  return {
    status: 'fail',
    problem: `no IOMMU translates for ${pf.netdev ?? pf.address}: vfio-pci would not take its VFs (EINVAL)`,
    hint: 'Switch on VT-d or AMD-Vi in the firmware setup; `sriovctl setup --iommu on` sees to the kernel arguments.',
  };
};

/** Groups are only known once there are VFs; a rehearsal has them. */
export const checkGroups = async (
  spec: ResolvedSpec,
  { fs }: HostView,
  wanted: ResolvedPf,
): Promise<CheckResult> => {
  const pf = await readPf(fs, wanted.address);
  const mine = await toVfio(spec, fs);
  for (const vf of pf?.vfs ?? []) {
    if (!mine.has(vf.address) || vf.iommuGroup === undefined) continue;
    const sharers = (await sharersOf(fs, vf.address, vf.iommuGroup)).filter(
      ({ address }) => !mine.has(address),
    );
    if (sharers.length === 0) continue;
    const who = sharers.map(({ address, driver }) => `${address} (${driver})`).join(', ');
    return {
      status: 'fail',
      problem: `VF ${vf.index} of ${pf?.netdev ?? wanted.address} (${vf.address}) shares IOMMU group ${vf.iommuGroup} with ${who}`,
      hint: 'A group goes to vfio as a whole: give those to vfio-pci as well, or use a slot that isolates its functions (ACS).',
    };
  }
  return { status: 'pass' };
};

/** All VFs of the spec that are to go to vfio-pci. */
const toVfio = async ({ pfs }: ResolvedSpec, fs: HostFs): Promise<ReadonlySet<string>> => {
  const addresses = new Set<string>();
  for (const wanted of pfs) {
    for (const vf of (await readPf(fs, wanted.address))?.vfs ?? []) {
      if (vfSettingsOf(wanted, vf.index).driver === 'vfio-pci') addresses.add(vf.address);
    }
  }
  return addresses;
};
