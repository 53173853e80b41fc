/** A PCI function's place: domain, bus, device and function numbers. */
export interface PciAddress {
  readonly domain: number;
  readonly bus: number;
  readonly device: number;
  readonly fn: number;
}

const fullForm = /^([0-9a-f]{4,8}):([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/;

/** Reads the full form `0000:01:00.0`; `undefined` for anything else. */
export const parsePciAddress = (text: string): PciAddress | undefined => {
  const [, domain, bus, device, fn] = fullForm.exec(text) ?? [];
  if (domain === undefined || bus === undefined || device === undefined || fn === undefined) {
    return undefined;
  }
  return {
    domain: Number.parseInt(domain, 16),
    bus: Number.parseInt(bus, 16),
    device: Number.parseInt(device, 16),
    fn: Number.parseInt(fn, 16),
  };
};

/** Accepts `01:00.0` as well, in any case, as lspci prints it for domain 0; returns the full form. */
export const normalizePciAddress = (text: string): string | undefined => {
  const lower = text.toLowerCase();
  const full = /^[0-9a-f]{2}:/.test(lower) ? `0000:${lower}` : lower;
  return parsePciAddress(full) === undefined ? undefined : full;
};

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

export const formatPciAddress = ({ domain, bus, device, fn }: PciAddress): string =>
  `${hex(domain, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${hex(fn, 1)}`;

/** The routing ID, `bus << 8 | device << 3 | function`, that VF offsets count in. */
export const routingId = ({ bus, device, fn }: PciAddress): number =>
  (bus << 8) | (device << 3) | fn;

/**
 * Where the VF of an index will appear: PF routing ID + First VF Offset + index × VF Stride
 * (PCIe SR-IOV; `pci_iov_virtfn_bus` and `pci_iov_virtfn_devfn` in drivers/pci/iov.c).
 * The bus may be above 255: then the VF cannot exist.
 */
export const vfAddress = (
  pf: PciAddress,
  sriov: { readonly offset: number; readonly stride: number },
  index: number,
): PciAddress => {
  const rid = routingId(pf) + sriov.offset + index * sriov.stride;
  return { domain: pf.domain, bus: rid >> 8, device: (rid >> 3) & 0x1f, fn: rid & 7 };
};

/** Orders by domain, bus, device, function, as lspci does. */
export const comparePciAddresses = (a: string, b: string): number => {
  const byLength = a.length - b.length;
  if (byLength !== 0) return byLength;
  return a < b ? -1 : a > b ? 1 : 0;
};
