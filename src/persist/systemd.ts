import type { Command, HostView } from '../host.ts';
import { bootUnit } from './places.ts';

/** What systemd knows of the boot unit (org.freedesktop.systemd1(5)). */
export interface UnitState {
  /** `not-found`, `bad-setting`, `masked` … */
  readonly loaded: string;
  /** The file on disk is not the one that was read. */
  readonly needsReload: boolean;
  /** How its last run in this boot ended; `success` if there was none. */
  readonly result: string;
}

export const showCommand: Command = {
  argv: ['systemctl', 'show', bootUnit, '--property=LoadState,NeedDaemonReload,Result'],
};

/** `undefined` where systemd cannot be asked. */
export const queryUnit = async (host: HostView): Promise<UnitState | undefined> => {
  const answer = await host.query(showCommand);
  if (!answer.ran || answer.exitCode !== 0) return undefined;
  const values = new Map(
    answer.stdout.split('\n').map((line) => {
      const [name = '', ...value] = line.split('=');
      return [name, value.join('=')] as const;
    }),
  );
  return {
    loaded: values.get('LoadState') ?? 'unknown',
    needsReload: values.get('NeedDaemonReload') === 'yes',
    result: values.get('Result') ?? 'unknown',
  };
};
