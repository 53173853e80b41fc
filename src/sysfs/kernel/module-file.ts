import { HostError } from '../../errors.ts';
import type { HostFs, HostPath } from '../../host.ts';

/** What a simulated build puts in the place of a module's binary: its fields as modinfo(8) prints them. */
export type ModuleFields = Readonly<Record<string, string>>;

const mark = 'a module of a simulated host\n';

export const moduleFileText = (fields: ModuleFields): string => `${mark}${fieldLines(fields)}`;

/** As modinfo(8) prints them. */
export const fieldLines = (fields: ModuleFields): string =>
  Object.entries(fields)
    .map(([name, value]) => `${`${name}:`.padEnd(16)}${value}\n`)
    .join('');

/** `undefined` for a file that is not there, or that a real build has made. */
export const moduleFileFields = async (
  fs: HostFs,
  path: HostPath,
): Promise<ModuleFields | undefined> => {
  const text = await orNoText(fs.readText(path));
  if (text?.startsWith(mark) !== true) return undefined;
  const lines = text.slice(mark.length).trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/:\s+/, 2) as [string, string]));
};

const orNoText = async (read: Promise<string | undefined>): Promise<string | undefined> => {
  try {
    return await read;
  } catch (error) {
    if (error instanceof HostError && error.errno === 'EILSEQ') return undefined;
    throw error;
  }
};
