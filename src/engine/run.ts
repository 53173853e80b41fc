import type { Permission } from '../change.ts';
import type { Check } from '../check.ts';
import type { CheckReport, Listener, Outcome, Problem, StepReport } from '../events.ts';
import type { Host, HostView } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Direction, Step } from '../step.ts';
import type { Journal, JournalEntry } from './journal.ts';

/** Everything that looking at a host needs. */
export interface Look {
  readonly steps: readonly Step[];
  readonly spec: ResolvedSpec;
  readonly host: HostView;
  readonly listener: Listener;
}

/** Everything a run needs; a rehearsal differs only in the host it is given. */
export interface Run extends Look {
  readonly host: Host;
  readonly direction: Direction;
  readonly permissions: ReadonlySet<Permission>;
  readonly journal: Journal;
  /** Changes of a killed run that this one goes on from; a rollback takes them back too. */
  readonly inherited?: readonly JournalEntry[];
  /** Aborted by Ctrl-C: what was done is then taken back. */
  readonly signal?: AbortSignal;
}

export interface RunResult {
  readonly outcome: Outcome;
  readonly steps: readonly StepReport[];
  /** What a rollback could not take back. */
  readonly leftover: readonly string[];
}

/** Runs every check, also after one has failed: a reader wants all reasons at once. */
export const runChecks = async (
  checks: readonly Check[],
  spec: ResolvedSpec,
  host: HostView,
): Promise<readonly CheckReport[]> => {
  const reports: CheckReport[] = [];
  for (const check of checks) {
    const { id, title, severity } = check;
    reports.push({ check: { id, title, severity }, result: await check.run(spec, host) });
  }
  return reports;
};

/** The failures that count; those of warnings do not. */
export const failuresOf = (reports: readonly CheckReport[]): readonly Problem[] =>
  reports.flatMap(({ check, result }) =>
    result.status === 'fail' && check.severity === 'error'
      ? [{ code: result.code ?? check.id, problem: result.problem, hint: result.hint }]
      : [],
  );
