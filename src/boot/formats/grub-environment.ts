import type { HostPath } from '../../host.ts';
import type { PlacedVariable } from './loader-entry.ts';

/** The size of GRUB's environment block, which is never changed: GRUB writes to its place on the disk. */
const blockSize = 1024;

/** The variables of a grubenv file; a backslash in a value escapes the character behind it. */
export const parseGrubEnvironment = (
  path: HostPath,
  text: string,
): ReadonlyMap<string, PlacedVariable> => {
  const variables = new Map<string, PlacedVariable>();
  text.split('\n').forEach((content, index) => {
    const [, name, value = ''] = /^([^#=][^=]*)=(.*)$/.exec(content) ?? [];
    if (name === undefined) return;
    variables.set(name, { value: value.replaceAll(/\\(.)/g, '$1'), path, line: index + 1 });
  });
  return variables;
};

/** What grub-editenv(1) makes of the block when it sets a variable. */
export const setGrubVariable = (text: string, name: string, value: string): string => {
  const lines = text.split('\n').filter((line) => line !== '' && !/^#+$/.test(line));
  const line = `${name}=${value}`;
  const at = lines.findIndex((old) => old.startsWith(`${name}=`));
  if (at === -1) lines.push(line);
  else lines[at] = line;
  return `${lines.join('\n')}\n`.padEnd(blockSize, '#');
};
