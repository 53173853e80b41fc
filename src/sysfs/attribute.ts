import type { HostPath } from '../host.ts';

/**
 * What must be written so that an attribute reads as `value` again. An unset driver_override reads
 * `(null)` and is cleared by a newline; a write of no bytes would do nothing (drivers/pci/pci-sysfs.c).
 */
export const attributeSpelling = (path: HostPath, value: string): string => {
  const text = value.replace(/\n$/, '');
  if (path.endsWith('/driver_override')) return text === '(null)' || text === '' ? '\n' : text;
  return text;
};
