import chalk from 'chalk';
import ora from 'ora';
import type { Listener, RunEvent, StepReport } from '../events.ts';
import { changeSummary, changeText } from './change-text.ts';
import { problemText } from './problem-text.ts';
import { plainTerminal, symbols } from './symbols.ts';
import { wrapped } from './wrap.ts';

/** Where progress goes: a terminal gets a spinner, anything else lines that are only appended. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** `quiet` tells what went wrong, `verbose` also what is waited for and what checks found. */
type Verbosity = 'quiet' | 'normal' | 'verbose';

/** Tells what a run does while it does it: every change as it is made, and one line a stage. */
export const liveReporter = (
  stream: ProgressStream & NodeJS.WritableStream,
  stageIds: readonly string[],
  verbosity: Verbosity = 'normal',
): Listener => {
  const width = Math.max(0, ...stageIds.map((id) => id.length));
  const spinner = spinnerOn(stream, verbosity);
  const print = (line: string): void => {
    spinner.above(() => stream.write(`${wrapped(line, stream.columns)}\n`));
  };
  const label = (id: string): string => chalk.bold(id.padEnd(width));
  let awaitedBefore: string | undefined;

  return (event) => {
    switch (event.type) {
      case 'step-started':
        spinner.show(`${label(event.step.id)}  ${event.step.title}`);
        return;
      case 'change-started':
        spinner.show(`${label(event.stepId)}  ${event.change.reason}`);
        return;
      case 'change-made':
        if (verbosity === 'quiet') return;
        for (const line of (verbosity === 'verbose' ? changeText : changeSummary)(event.made)) {
          print(`  ${label(event.stepId)}  ${line}`);
        }
        return;
      case 'waiting':
        spinner.show(`${label(event.stepId)}  waiting for ${event.awaited}`);
        if (verbosity === 'verbose' && event.awaited !== awaitedBefore) {
          print(`  ${label(event.stepId)}  waiting for ${event.awaited}`);
        }
        awaitedBefore = event.awaited;
        return;
      case 'step-finished':
        spinner.stop();
        for (const line of stepLines(event.report, label, verbosity)) print(line);
        return;
      default:
        spinner.stop();
        for (const line of otherLines(event, verbosity)) print(line);
    }
  };
};

interface Spinner {
  readonly show: (text: string) => void;
  readonly above: (write: () => void) => void;
  readonly stop: () => void;
}

/** A terminal sees what goes on and for how long; what is piped sees only what has happened. */
const spinnerOn = (
  stream: ProgressStream & NodeJS.WritableStream,
  verbosity: Verbosity,
): Spinner => {
  if (stream.isTTY !== true || verbosity === 'quiet' || plainTerminal) {
    return {
      show: () => undefined,
      above: (write) => {
        write();
      },
      stop: () => undefined,
    };
  }
  const spinner = ora({ stream, discardStdin: false });
  let [text, since] = ['', 0];
  let timer: NodeJS.Timeout | undefined;
  const update = (): void => {
    const seconds = Math.floor((performance.now() - since) / 1000);
    spinner.text = seconds < 1 ? text : `${text} ${chalk.dim(`${seconds} s`)}`;
  };
  return {
    show: (next) => {
      text = next;
      if (timer === undefined) {
        since = performance.now();
        timer = setInterval(update, 1000).unref();
      }
      update();
      if (!spinner.isSpinning) spinner.start();
    },
    above: (write) => {
      const spinning = spinner.isSpinning;
      if (spinning) spinner.stop();
      write();
      if (spinning) spinner.start();
    },
    stop: () => {
      clearInterval(timer);
      timer = undefined;
      spinner.stop();
    },
  };
};

const stepLines = (
  report: StepReport,
  label: (id: string) => string,
  verbosity: Verbosity,
): readonly string[] => {
  const problems = report.problems.map(problemText);
  if (verbosity === 'quiet') return problems;
  const checks = report.checks.map(
    ({ check, result }) =>
      `  ${label(report.step.id)}  ${check.title}: ${result.status === 'pass' ? (result.detail ?? 'yes') : result.status} ${chalk.dim(`[${check.id}]`)}`,
  );
  return [...(verbosity === 'verbose' ? checks : []), stepLine(report, label), ...problems];
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

const otherLines = (event: RunEvent, verbosity: Verbosity): readonly string[] => {
  if (verbosity === 'quiet' && event.type !== 'rollback-failed') return [];
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
