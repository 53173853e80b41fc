import type { HostPath } from '../../host.ts';
import { readAttribute, readLinkName, readNumber } from '../read.ts';
import type { SriovCapability } from './capability.ts';
import { driverFacts } from './drivers.ts';
import type { Kernel } from './kernel.ts';

/** A VF BAR of the PF, which covers those of all VFs the card can have. */
export interface Bar {
  readonly start: bigint;
  readonly size: bigint;
  readonly flags: bigint;
}

/** Lines 8 to 13 of a PF's `resource`: the VF BARs (PCI_IOV_RESOURCES). */
const vfBarLines = { first: 7, count: 6 };

/** The VF BARs, with the size of one VF's slice. */
export const vfBarsOf = async (
  { fs }: Kernel,
  pfFolder: HostPath,
  capability: SriovCapability | undefined,
): Promise<readonly Bar[]> => {
  const text = (await readAttribute(fs, `${pfFolder}/resource`)) ?? '';
  const driver = await readLinkName(fs, `${pfFolder}/driver`);
  const total = await readNumber(fs, `${pfFolder}/sriov_totalvfs`);
  const limit = driver === undefined ? undefined : driverFacts(driver).most;
  const vfs = BigInt(Math.max(1, capability?.totalVfs ?? limit?.of ?? total ?? 1));
  return text
    .split('\n')
    .slice(vfBarLines.first, vfBarLines.first + vfBarLines.count)
    .map((line) => {
      const [start = 0n, end = 0n, flags = 0n] = line.split(' ').map(BigInt);
      return { start, size: flags === 0n ? 0n : (end - start + 1n) / vfs, flags };
    });
};

/** The `resource` of a VF: its slices of the PF's VF BARs. */
export const resourceOf = (bars: readonly Bar[], index: number): string => {
  const line = (values: readonly bigint[]): string =>
    values.map((value) => `0x${value.toString(16).padStart(16, '0')}`).join(' ');
  const lines = bars.map(({ start, size, flags }) => {
    const from = start + BigInt(index) * size;
    return line(flags === 0n ? [0n, 0n, 0n] : [from, from + size - 1n, flags]);
  });
  while (lines.length < 13) lines.push(line([0n, 0n, 0n]));
  return `${lines.join('\n')}\n`;
};
