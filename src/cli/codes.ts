import { steps } from '../steps/index.ts';
import { type Explanation, explanations, families } from './explanations.ts';

/** A code that can be looked up: of an error, or of a check of a stage. */
export interface Code extends Explanation {
  readonly code: string;
  readonly kind: 'error' | 'check';
}

/** Every code there is, those of checks from the stages themselves. */
export const codes = (): readonly Code[] => [
  ...Object.entries(explanations).map(([code, text]) => ({
    code,
    kind: 'error' as const,
    ...text,
  })),
  ...Object.entries(families).map(([code, text]) => ({
    code: `${code}*`,
    kind: 'error' as const,
    ...text,
  })),
  ...steps.flatMap((step) =>
    [...(step.preflight ?? []), ...(step.checks ?? [])].map(({ id, title, severity }) => ({
      code: id,
      kind: 'check' as const,
      means: `A check of the stage ${step.id}: ${title}.`,
      remedy:
        severity === 'error'
          ? 'The run is refused or fails while it does not hold; the message tells what to do.'
          : 'A warning: the run goes on.',
    })),
  ),
];

/** `undefined` if there is no such code. */
export const codeOf = (asked: string): Code | undefined => {
  const known = codes();
  const exact = known.find(({ code }) => code.toLowerCase() === asked.toLowerCase());
  if (exact !== undefined) return exact;
  const upper = asked.toUpperCase();
  const family = Object.entries(families).find(([prefix]) => upper.startsWith(prefix));
  return family && { code: upper, kind: 'error', ...family[1] };
};
