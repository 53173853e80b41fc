import chalk from 'chalk';
import type { StepReport } from '../events.ts';
import { symbols } from './symbols.ts';

/** One line that says what became of a stage; `before` is the one before it. */
export const stepLine = (
  report: StepReport,
  label: (id: string) => string,
  before?: StepReport,
): string => {
  const { id, title } = report.step;
  const name = label(id);
  switch (report.status) {
    case 'in-sync':
      return `${symbols.done} ${name}  ${title}: ${detail(report) ?? 'as wanted'}`;
    case 'changed':
      return `${symbols.done} ${name}  ${title}: ${detail(report) ?? changesOf(report)}`;
    case 'reboot-required':
      return `${symbols.reboot} ${name}  ${title}: ${rebootReason(report)}`;
    case 'skipped':
      return `${symbols.skipped} ${name}  ${chalk.dim(`${title}: ${skippedWords(report, before)}`)}`;
    case 'drifted':
    case 'refused':
    case 'failed':
      return `${chalk.red(symbols.failed)} ${name}  ${title}: ${report.status}`;
  }
};

const detail = ({ checks }: StepReport): string | undefined => {
  const details = checks.flatMap(({ result }) =>
    result.status === 'pass' && result.detail !== undefined ? [result.detail] : [],
  );
  const skipped = checks.flatMap(({ result }) =>
    result.status === 'skip' ? [`skipped, ${result.because}`] : [],
  );
  const said = [...details, ...skipped];
  return said.length === 0 ? undefined : said.join('; ');
};

/** A reason that holds for many stages is told once. */
export const skippedWords = (
  { because = '' }: StepReport,
  before: StepReport | undefined,
): string =>
  before?.status === 'skipped' && before.because === because
    ? 'skipped for the same reason'
    : `skipped, ${because}`;

export const changesOf = ({ changes: made }: StepReport): string =>
  `${made.length} ${made.length === 1 ? 'change' : 'changes'}`;

const rebootReason = ({ checks }: StepReport): string =>
  checks.flatMap(({ result }) => (result.status === 'reboot' ? [result.because] : [])).join('; ');
