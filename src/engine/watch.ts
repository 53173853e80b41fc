import type { Change } from '../change.ts';
import type { Step } from '../step.ts';
import type { Run } from './run.ts';

/** How long to wait between two looks at a change that the host is still at, in milliseconds. */
const everyMs = 500;

/** Tells meanwhile how far a change is: the kernel may be at one write for minutes. */
export const watched = async <T>(
  { host, listener }: Run,
  step: Step,
  change: Change,
  work: Promise<T>,
): Promise<T> => {
  let atWork = true;
  const tell = async (): Promise<void> => {
    const what = await step.awaited?.(change, host);
    if (atWork && what !== undefined) listener({ type: 'waiting', stepId: step.id, awaited: what });
  };
  // A look that fails tells nothing; what the work itself ends with does.
  const timer = setInterval(() => void tell().catch(() => undefined), everyMs);
  try {
    return await work;
  } finally {
    atWork = false;
    clearInterval(timer);
  }
};
