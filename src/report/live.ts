import chalk from 'chalk';
import ora from 'ora';
import type { Listener, RunEvent, StepReport } from '../events.ts';
import { changeText } from './change-text.ts';
import { problemText } from './problem-text.ts';
import { symbols } from './symbols.ts';

/** Where progress goes: a terminal gets a spinner, anything else lines that are only appended. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Tells what a run does while it does it: every change as it is made, and one line a stage. */
export const liveReporter = (
  stream: ProgressStream & NodeJS.WritableStream,
  stageIds: readonly string[],
): Listener => {
  const width = Math.max(0, ...stageIds.map((id) => id.length));
  const spinner = stream.isTTY === true ? ora({ stream, discardStdin: false }) : undefined;
  const print = (line: string): void => {
    const spinning = spinner?.isSpinning === true;
    if (spinning) spinner.stop();
    stream.write(`${line}\n`);
    if (spinning) spinner.start();
  };
  const label = (id: string): string => chalk.bold(id.padEnd(width));
  const indent = (id: string, lines: readonly string[]): void => {
    for (const line of lines) print(`  ${label(id)}  ${line}`);
  };

  return (event) => {
    switch (event.type) {
      case 'step-started':
        spinner?.start(`${label(event.step.id)}  ${event.step.title}`);
        return;
      case 'change-started':
        if (spinner !== undefined) spinner.text = `${label(event.stepId)}  ${event.change.reason}`;
        return;
      case 'change-made':
        indent(event.stepId, changeText(event.made));
        return;
      case 'waiting':
        if (spinner !== undefined) {
          spinner.text = `${label(event.stepId)}  waiting for ${event.awaited}`;
        }
        return;
      case 'step-finished':
        spinner?.stop();
        print(stepLine(event.report, label));
        for (const problem of event.report.problems) print(problemText(problem));
        return;
      default:
        spinner?.stop();
        for (const line of otherLines(event)) print(line);
    }
  };
};

/** One line that says what became of a stage. */
export const stepLine = (report: StepReport, label: (id: string) => string): string => {
  const { id, title } = report.step;
  const name = label(id);
  switch (report.status) {
    case 'in-sync':
      return `${symbols.done} ${name}  ${title}: ${detail(report) ?? 'as wanted'}`;
    case 'changed':
      return `${symbols.done} ${name}  ${title}: ${detail(report) ?? changes(report)}`;
    case 'reboot-required':
      return `${symbols.reboot} ${name}  ${title}: ${rebootReason(report)}`;
    case 'skipped':
      return `${symbols.skipped} ${name}  ${chalk.dim(`${title}: skipped, ${report.because ?? ''}`)}`;
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

const changes = ({ changes: made }: StepReport): string =>
  `${made.length} ${made.length === 1 ? 'change' : 'changes'}`;

const rebootReason = ({ checks }: StepReport): string =>
  checks.flatMap(({ result }) => (result.status === 'reboot' ? [result.because] : [])).join('; ');

const otherLines = (event: RunEvent): readonly string[] => {
  switch (event.type) {
    case 'rollback-started':
      return [chalk.yellow(`Taking back ${event.count} of this run's changes:`)];
    case 'rolled-back':
      return [`  ${symbols.done} ${event.what}`];
    case 'rollback-failed':
      return [chalk.red(`  ${symbols.failed} ${event.what}: ${event.why}`)];
    case 'notice':
      return [chalk.yellow(event.text)];
    default:
      return [];
  }
};
