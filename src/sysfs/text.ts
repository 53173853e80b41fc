import { readFileSync } from 'node:fs';
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
 * A file of this machine that stands for `path`. Node.js reads text much faster than bytes, and marks
 * what is not UTF-8 by U+FFFD: only then the bytes are looked at.
 *
 * @throws HostError EILSEQ, and what node:fs throws
 */
export const readUtf8 = (path: HostPath, file: string): string => {
  const text = readFileSync(file, 'utf8');
  return text.includes('\ufffd') ? decodeText(path, readFileSync(file)) : text;
};

/**
 * An attribute without any read permission cannot even be read by root: sysfs has no function to ask
 * for its value (kernfs_fop_open in fs/kernfs/file.c).
 */
export const isSealed = (path: HostPath, mode: number): boolean =>
  path.startsWith('/sys/') && (mode & 0o444) === 0;
