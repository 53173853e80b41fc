import type { StepReport } from '../events.ts';
import { findingsOf } from './findings.ts';
import { tallyOf } from './tally.ts';

/** `verify` as workflow commands: what failed becomes an annotation of the run. */
export const githubText = (steps: readonly StepReport[]): string => {
  const lines = findingsOf(steps).flatMap(({ stage, title, result, severity, problem, hint }) => {
    if (result === 'passed') return [];
    const level = result === 'skipped' ? 'notice' : severity;
    const what =
      result === 'skipped' ? `skipped, ${problem}` : [problem, hint].filter(Boolean).join('\n');
    return [`::${level} title=${property(`${stage}: ${title}`)}::${data(what)}`];
  });
  const { passed, failed, skipped } = tallyOf(steps);
  return `${[...lines, `${passed} passed, ${failed} failed, ${skipped} skipped`].join('\n')}\n`;
};

const data = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
