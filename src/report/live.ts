import chalk from 'chalk';
import type { Listener, RunEvent, StepReport } from '../events.ts';
import { changeSummary, changeText, isOfFile } from './change-text.ts';
import { problemText } from './problem-text.ts';
import { stepLine } from './step-line.ts';
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
export const liveReporter = async (
  stream: ProgressStream & NodeJS.WritableStream,
  stageIds: readonly string[],
  verbosity: Verbosity = 'normal',
): Promise<Listener> => {
  const width = Math.max(0, ...stageIds.map((id) => id.length));
  const spinner = await spinnerOn(stream, verbosity);
  const print = (line: string): void => {
    spinner.above(() => stream.write(`${wrapped(line, stream.columns)}\n`));
  };
  const label = (id: string): string => chalk.bold(id.padEnd(width));
  let awaitedBefore: string | undefined;
  let before: StepReport | undefined;

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
        for (const line of changeSummary(event.made)) print(`  ${label(event.stepId)}  ${line}`);
        if (verbosity === 'verbose' && isOfFile(event.made)) {
          for (const line of changeText(event.made)) print(`    ${line}`);
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
        for (const line of stepLines(event.report, label, verbosity, before)) print(line);
        before = event.report;
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

/**
 * A terminal sees what goes on and for how long; what is piped sees only what has happened. So does a
 * terminal of no columns, as serial lines and script(1) have: ora would count its lines without end.
 */
const spinnerOn = async (
  stream: ProgressStream & NodeJS.WritableStream,
  verbosity: Verbosity,
): Promise<Spinner> => {
  const moving = stream.isTTY === true && stream.columns !== 0 && !plainTerminal;
  if (!moving || verbosity === 'quiet') {
    return {
      show: () => undefined,
      above: (write) => {
        write();
      },
      stop: () => undefined,
    };
  }
  const { default: ora } = await import('ora');
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
  before: StepReport | undefined,
): readonly string[] => {
  const problems = report.problems.map(problemText);
  if (verbosity === 'quiet') return problems;
  const checks = report.checks.map(
    ({ check, result }) =>
      `  ${label(report.step.id)}  ${check.title}: ${result.status === 'pass' ? (result.detail ?? 'yes') : result.status} ${chalk.dim(`[${check.id}]`)}`,
  );
  return [...(verbosity === 'verbose' ? checks : []), stepLine(report, label, before), ...problems];
};

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
