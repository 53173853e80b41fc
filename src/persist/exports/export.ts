import type { HostPath } from '../../host.ts';
import type { InstalledFile } from '../installed-file.ts';

/** What another program is given to make the VFs, and what a user has to know about it. */
export interface Export {
  readonly files: readonly InstalledFile[];
  readonly caveats: readonly string[];
}

const folder: HostPath = '/var/lib/sriovctl/export';

/** A text that a human hands on: nothing of it takes effect here. */
export const exportedFile = (name: string, content: string, forWhom: string): InstalledFile => ({
  path: `${folder}/${name}`,
  content,
  mode: 0o600,
  reason: `${forWhom}; nothing on this host makes the VFs again after a boot`,
});

/** Comment lines, for formats that have them. */
export const commented = (lines: readonly string[]): string =>
  lines.map((line) => `# ${line}\n`).join('');
