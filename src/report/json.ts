import type { ExitReason } from '../errors.ts';
import { exitCodes } from '../errors.ts';
import type { Outcome, Problem, StepReport } from '../events.ts';
import type { NamedPf } from '../sysfs/inventory.ts';

/** The name and version of the machine-readable form; a change that breaks a reader raises it. */
export const documentSchema = 'sriovctl/v1';

export type Document = Readonly<Record<string, unknown>>;

export interface RunFacts {
  readonly command: string;
  readonly outcome: Outcome;
  readonly exit: ExitReason;
  /** The VFs and changes are those of a rehearsal. */
  readonly predicted: boolean;
  readonly steps: readonly StepReport[];
  readonly pfs: readonly NamedPf[];
  readonly problems: readonly Problem[];
  readonly leftover: readonly string[];
}

export const runDocument = ({ exit, ...facts }: RunFacts): Document => ({
  schema: documentSchema,
  ...facts,
  exitCode: exitCodes[exit].code,
});

export const listDocument = (pfs: readonly NamedPf[]): Document => ({
  schema: documentSchema,
  command: 'list',
  pfs,
});

/** What became of the last run, after `undo` or `confirm`. */
export const endDocument = ({
  exit,
  ...facts
}: {
  readonly command: 'undo' | 'confirm';
  readonly exit: ExitReason;
  readonly outcome: 'undone' | 'incomplete' | 'nothing-to-undo' | 'confirmed';
  readonly run?: string;
  readonly leftover: readonly string[];
}): Document => ({ schema: documentSchema, ...facts, exitCode: exitCodes[exit].code });

/** A command that could not even begin. */
export const errorDocument = (
  command: string,
  exit: ExitReason,
  problems: readonly Problem[],
): Document => ({
  schema: documentSchema,
  command,
  outcome: 'error',
  exitCode: exitCodes[exit].code,
  problems,
});

/** JSON, or YAML without anchors, in which the same object twice is written twice. */
export const documentText = async (
  document: Document,
  format: 'json' | 'yaml',
): Promise<string> => {
  const json = JSON.stringify(document, undefined, 2);
  if (format === 'json') return `${json}\n`;
  const { yamlText } = await import('./yaml-text.ts');
  return yamlText(JSON.parse(json));
};
