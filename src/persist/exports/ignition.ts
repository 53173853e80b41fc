import { posix } from 'node:path';
import type { InstalledFile } from '../installed-file.ts';
import { bootUnit } from '../places.ts';
import { type Export, exportedFile } from './export.ts';

const caveats = [
  'Ignition runs at the first boot only: for a machine that is there already, set it up with --persist boot-unit',
  'it is for this machine alone: the cards are known by address and MAC',
] as const;

const units = '/etc/systemd/system/';

/** The very files of the boot unit, for Flatcar and Fedora CoreOS (Ignition 3.3.0). */
export const ignition = (bootUnitFiles: readonly InstalledFile[]): Export => {
  const inUnits = ({ path }: InstalledFile): boolean => path.startsWith(units);
  const config = {
    ignition: { version: '3.3.0' },
    storage: {
      files: bootUnitFiles
        .filter((file) => !inUnits(file))
        .map(({ path, content, mode }) => ({
          path,
          mode,
          overwrite: true,
          contents: {
            source: `data:text/plain;charset=utf-8;base64,${Buffer.from(content).toString('base64')}`,
          },
        })),
    },
    systemd: {
      units: bootUnitFiles.filter(inUnits).map(({ path, content }) => ({
        name: posix.basename(path),
        ...(posix.basename(path) === bootUnit && { enabled: true }),
        contents: content,
      })),
    },
  };
  const content = `${JSON.stringify(config, null, 2)}\n`;
  const forWhom = 'for Ignition: merge it into the configuration of this machine';
  return { files: [exportedFile('ignition.json', content, forWhom)], caveats };
};
