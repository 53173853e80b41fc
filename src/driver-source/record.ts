import * as z from 'zod';
import type { HostFs, HostPath } from '../host.ts';
import { readRecordAt } from '../sysfs/read.ts';
import { recordPath } from './places.ts';

const moduleName = z.string().regex(/^[\w-]+$/);
const word = z.string().regex(/^[\w+][\w+.-]*$/);

const recordSchema = z.object({
  source: z.string(),
  /** By name and version where DKMS looks after it; by kbuild alone if left out. */
  dkms: z.object({ name: word, version: word }).optional(),
  modules: z.array(
    z.object({
      name: moduleName,
      /** The kernel has a module of this name itself, which comes back. */
      inTree: z.boolean(),
    }),
  ),
  /** They drive PFs, so that initramfs have copies of them. */
  early: z.boolean(),
  /** Kernels that they were installed for. */
  releases: z.array(word),
  /** Of these, the ones that had no folder for updates before. */
  madeFolderFor: z.array(word),
});

/** What has been put into the host: teardown takes out this, and nothing else. */
export type SourceRecord = z.infer<typeof recordSchema>;

/** One that cannot be read counts as missing. */
export const readRecord = (fs: HostFs): Promise<SourceRecord | undefined> =>
  readRecordAt(fs, recordPath, recordSchema);

export const recordText = (record: SourceRecord): string =>
  `${JSON.stringify(record, undefined, 2)}\n`;

export const recordAction = (record: SourceRecord) =>
  ({
    kind: 'file',
    path: recordPath satisfies HostPath,
    content: recordText(record),
    mode: 0o600,
  }) as const;
