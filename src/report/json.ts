import type { ExitReason } from '../errors.ts';
import { exitCodes } from '../errors.ts';
import type { Outcome, Problem, StepReport } from '../events.ts';
import type { NamedPf } from '../sysfs/inventory.ts';

/** The name and version of the machine-readable form; a change that breaks a reader raises it. */
const schema = 'sriovctl/v1';

export interface RunDocument {
  readonly command: string;
  readonly outcome: Outcome | 'error';
  readonly exit: ExitReason;
  /** The VFs and changes are those of a rehearsal. */
  readonly predicted: boolean;
  readonly steps: readonly StepReport[];
  readonly pfs: readonly NamedPf[];
  readonly problems: readonly Problem[];
  readonly leftover: readonly string[];
}

export const runJson = ({ exit, ...document }: RunDocument): string =>
  json({ schema, ...document, exitCode: exitCodes[exit].code });

export const listJson = (pfs: readonly NamedPf[]): string => json({ schema, command: 'list', pfs });

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
