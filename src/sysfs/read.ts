import { posix } from 'node:path';
import type { FileStat, HostFs, HostPath } from '../host.ts';
import { resolveLink } from './paths.ts';

/** An attribute's value without its newline; `undefined` if there is no such attribute. */
export const readAttribute = async (fs: HostFs, path: HostPath): Promise<string | undefined> =>
  (await fs.readText(path))?.replace(/\n$/, '');

/** A decimal attribute; `undefined` if it is missing or not a number. */
export const readNumber = async (fs: HostFs, path: HostPath): Promise<number | undefined> => {
  const text = await readAttribute(fs, path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
};

/** The hex digits of a PCI id such as `0x8086`, a class or a revision. */
export const readId = async (fs: HostFs, path: HostPath): Promise<string | undefined> =>
  (await readAttribute(fs, path))?.replace(/^0x/, '').toLowerCase();

/** The id of a PF's VFs as four hex digits: sriov_vf_device has it without leading zeros (sriov_vf_device_show). */
export const readVfDevice = async (fs: HostFs, pfFolder: HostPath): Promise<string | undefined> =>
  (await readId(fs, `${pfFolder}/sriov_vf_device`))?.padStart(4, '0');

/** The last part of a link's target: the name of a driver, a group, a device. */
export const readLinkName = async (fs: HostFs, path: HostPath): Promise<string | undefined> => {
  const target = await fs.readLink(path);
  return target === undefined ? undefined : posix.basename(target);
};

/** Where a link leads, as an absolute path; only this one link is followed. */
export const followLink = async (fs: HostFs, path: HostPath): Promise<HostPath | undefined> => {
  const target = await fs.readLink(path);
  return target === undefined ? undefined : resolveLink(path, target);
};

/** Like `read`, but an attribute that answers with an error (speed of a downed link) counts as unknown. */
export const orUnknown = async <T>(read: Promise<T | undefined>): Promise<T | undefined> => {
  try {
    return await read;
  } catch {
    return undefined;
  }
};

/** Mode and owner of the file itself, behind the links that lead to it. */
export const statOfTarget = async (fs: HostFs, path: HostPath): Promise<FileStat | undefined> => {
  const stat = await fs.stat(path);
  if (stat?.kind !== 'link') return stat;
  const target = await fs.readLink(path);
  return target === undefined
    ? undefined
    : statOfTarget(fs, posix.resolve(posix.dirname(path), target) as HostPath);
};

/** A record in JSON that this program wrote; one that cannot be read, or has another form, counts as missing. */
export const readRecordAt = async <T>(
  fs: HostFs,
  path: HostPath,
  schema: { readonly safeParse: (value: unknown) => { readonly data?: T | undefined } },
): Promise<T | undefined> => {
  const text = await fs.readText(path);
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
};
