import type { HostPath } from '../../host.ts';
import type { Kernel } from './kernel.ts';

/** What only the SR-IOV capability of a PF's config space says. */
export interface SriovCapability {
  /** Whatever the driver makes of it. */
  readonly totalVfs: number;
  /** Devfn of the function that this one depends on; itself if it depends on none. */
  readonly dependsOn: number;
}

/** Extended capabilities begin here; the id of SR-IOV (PCIe 9.3.3). */
const firstExtended = 0x100;
const sriovId = 0x0010;

/** `undefined` where config space cannot be read: on a real host, where its bytes are no text. */
export const readSriovCapability = async (
  { fs }: Kernel,
  pfFolder: HostPath,
): Promise<SriovCapability | undefined> => {
  const bytes = await fs.readBytes(`${pfFolder}/config`).catch(() => undefined);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = firstExtended;
  // A list that does not end has at most as many entries as there is room for.
  for (
    let left = 960;
    left > 0 && at >= firstExtended && at + 0x40 <= bytes.byteLength;
    left -= 1
  ) {
    const header = view.getUint32(at, true);
    if ((header & 0xffff) === sriovId) {
      return { totalVfs: view.getUint16(at + 0x0e, true), dependsOn: view.getUint8(at + 0x12) };
    }
    at = header >>> 20;
  }
  return undefined;
};
