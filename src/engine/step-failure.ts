import { HostError, SriovctlError } from '../errors.ts';
import type { Problem } from '../events.ts';
import type { Step } from '../step.ts';
import type { StuckWrite } from './rollback.ts';

/** Why a stage ended early. */
export class StepFailure extends Error {
  readonly status: 'refused' | 'failed';
  readonly problems: readonly Problem[];
  readonly stuck: StuckWrite | undefined;

  constructor(status: 'refused' | 'failed', problems: readonly Problem[], stuck?: StuckWrite) {
    super(problems.map(({ problem }) => problem).join('; '));
    this.status = status;
    this.problems = problems;
    this.stuck = stuck;
  }
}

/** Errors of reading and refusals thrown by a plan; anything else is a bug and shows its stack. */
export const asFailure = (step: Pick<Step, 'id'>, error: unknown): StepFailure => {
  if (error instanceof StepFailure) return error;
  if (error instanceof SriovctlError) {
    const { code, message, hint, exit } = error;
    return new StepFailure(exit === 'refused' ? 'refused' : 'failed', [
      { code, problem: message, hint },
    ]);
  }
  if (error instanceof HostError) {
    const hint = `The stage \`${step.id}\` could not look at the host.`;
    return new StepFailure('failed', [
      { code: `HOST_${error.errno}`, problem: error.message, hint },
    ]);
  }
  const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new StepFailure('failed', [
    { code: 'INTERNAL', problem, hint: 'This is a bug of sriovctl: please report it.' },
  ]);
};
