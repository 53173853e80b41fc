import type { FindManagers } from './other-manager.ts';
import { readFolders, systemFolders } from './texts.ts';

/** `options igb max_vfs=7`: every PF of the driver gets VFs when it is loaded (modprobe.d(5)). */
export const modprobeOptions: FindManagers = async (fs, { driver }) => {
  if (driver === undefined) return [];
  const options = new RegExp(
    `^\\s*options\\s+${driver.replace(/[-_]/g, '[-_]')}\\s.*\\b(max_vfs|num_vfs)=`,
  );
  return (await readFolders(fs, systemFolders('modprobe.d'), '.conf')).flatMap(({ path, lines }) =>
    lines.flatMap((text, index) => {
      const parameter = options.exec(text)?.[1];
      const effect = `makes VFs of every PF when ${driver} is loaded (${parameter ?? ''})`;
      return parameter === undefined
        ? []
        : [{ name: 'a module option', file: path, line: index + 1, effect }];
    }),
  );
};
