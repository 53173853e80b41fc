import { isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import type { FindManagers } from './other-manager.ts';
import { readTextFile } from './texts.ts';

const entrySchema = z.object({
  device_type: z.literal('pf'),
  name: z.string(),
  numvfs: z.number().optional(),
});

/** What os-net-config keeps for its service sriov_config.service, which sets it at each boot. */
export const osNetConfig: FindManagers = async (fs, pf) => {
  const file = await readTextFile(fs, '/var/lib/os-net-config/sriov_config.yaml');
  if (file === undefined) return [];
  const lineCounter = new LineCounter();
  const { contents } = parseDocument(file.text, { lineCounter, logLevel: 'silent' });
  if (!isSeq(contents)) return [];
  return contents.items.filter(isMap).flatMap((item) => {
    const entry = entrySchema.safeParse(item.toJSON());
    if (!entry.success || entry.data.name !== pf.netdev) return [];
    const { line } = lineCounter.linePos(item.range[0]);
    const effect = `sets ${entry.data.numvfs ?? 'its'} VFs at each boot`;
    return [{ name: 'os-net-config', file: file.path, line, effect }];
  });
};
