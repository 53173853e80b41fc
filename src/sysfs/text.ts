import { HostError } from '../errors.ts';
import type { HostPath } from '../host.ts';

/**
 * Text that is not UTF-8 could not be written back as it was, so it is not read at all.
 *
 * @throws HostError EILSEQ
 */
export const decodeText = (path: HostPath, bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new HostError('EILSEQ', path, 'not UTF-8', { cause: error });
  }
};

/**
 * An attribute without any read permission cannot even be read by root: sysfs has no function to ask
 * for its value (kernfs_fop_open in fs/kernfs/file.c).
 */
export const isSealed = (path: HostPath, mode: number): boolean =>
  path.startsWith('/sys/') && (mode & 0o444) === 0;
