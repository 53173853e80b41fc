import type { Command, HostView } from '../host.ts';
import { bootUnit } from './places.ts';

/** What systemd knows of the boot unit (org.freedesktop.systemd1(5)). */
export interface UnitState {
  /** `not-found`, `bad-setting`, `masked` … */
  readonly loaded: string;
  /** The file on disk is not the one that was read. */
  readonly needsReload: boolean;
}

const showCommand: Command = {
  argv: ['systemctl', 'show', bootUnit, '--property=LoadState,NeedDaemonReload'],
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
  };
};

/** Those of some units that have failed in this boot; none where systemd cannot be asked. */
export const failedUnits = async (
  host: HostView,
  units: readonly string[],
): Promise<readonly string[]> => {
  const answer = await host.query({
    argv: ['systemctl', 'list-units', '--failed', '--plain', '--no-legend', ...units],
  });
  if (!answer.ran || answer.exitCode !== 0) return [];
  const failed = new Set(answer.stdout.split('\n').map((line) => line.split(' ')[0]));
  return units.filter((unit) => failed.has(unit));
};

export const forgetFailure = (units: readonly string[]): Command => ({
  argv: ['systemctl', 'reset-failed', ...units],
});
