import type { HostPath } from '../host.ts';
import { agentUnits, unitText } from './units.ts';

export const continuationUnit = 'sriovctl-continue.service';
export const continuationPath: HostPath = `/etc/systemd/system/${continuationUnit}`;
const enabledPath: HostPath = `/etc/systemd/system/multi-user.target.wants/${continuationUnit}`;

/** A run that is to go on after the next boot. */
export interface Continuation {
  /** The program as it was started, by its path, and the words behind it. */
  readonly argv: readonly [program: string, ...args: string[]];
  /** What the run reads from its standard input. */
  readonly input: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Files that have to be there, on whatever file system they are. */
  readonly needs: readonly string[];
}

/**
 * Goes on with a run after the next boot, and after no other: it is gone before the run begins, so
 * that nothing that happens in the run makes the host do it again and again.
 */
export const continuationText = (continuation: Continuation): string =>
  unitText({
    Unit: [
      'Description=sriovctl, continued after a reboot',
      `RequiresMountsFor=${continuation.needs.map(quoted).join(' ')}`,
      `After=network.target sriovctl-boot.service ${agentUnits.join(' ')}`,
    ],
    Service: [
      'Type=oneshot',
      `WorkingDirectory=-${continuation.folder.replaceAll('%', '%%')}`,
      ...Object.entries(continuation.environment).map(
        ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`,
      ),
      'StandardInput=data',
      `StandardInputData=${Buffer.from(continuation.input).toString('base64')}`,
      `ExecStartPre=/bin/rm -f ${enabledPath} ${continuationPath}`,
      `ExecStart=${continuation.argv.map((word) => quoted(word).replaceAll('$', '$$$$')).join(' ')}`,
      'SyslogIdentifier=sriovctl',
    ],
    Install: ['WantedBy=multi-user.target'],
  });

/** A word of a unit file (systemd.syntax(7)); `%` begins a specifier. */
const quoted = (word: string): string =>
  `"${word.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll('%', '%%')}"`;
