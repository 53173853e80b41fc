import { stripVTControlCharacters } from 'node:util';
import { requirementsOf } from '../change.ts';
import type { MadeChange, Problem, StepReport } from '../events.ts';
import { changeText } from './change-text.ts';
import { type Finding, findingsOf } from './findings.ts';
import type { PlanDocument } from './plan-document.ts';
import { tallyOf } from './tally.ts';

/** A plan for a change ticket: what is touched, by which stage, and what it disrupts. */
export const planMarkdown = (plan: PlanDocument): string => {
  const { command, host, createdAt, version, steps, problems } = plan;
  const count = steps.reduce((sum, { changes }) => sum + changes.length, 0);
  return page([
    `# ${command} on ${host.hostname}: ${count === 1 ? 'one change' : `${count} changes`}`,
    `Planned by sriovctl ${version} at ${createdAt} for kernel ${host.kernel}. Outcome of the rehearsal: **${plan.outcome}**.`,
    ...problemList(problems),
    table(
      ['PF', 'address', 'card', 'driver', 'VFs now', 'VFs then'],
      plan.host.pfs.map((pf) => [
        pf.netdev ?? '-',
        pf.address,
        `${pf.vendor}:${pf.device}`,
        pf.driver ?? '-',
        String(pf.vfs),
        String(plan.pfs.find(({ address }) => address === pf.address)?.vfs.length ?? 0),
      ]),
    ),
    ...steps.map(planStep),
  ]);
};

/** What `verify` found, for a comment or a page: what is not as wanted, and then all that was looked at. */
export const verifyMarkdown = (steps: readonly StepReport[]): string => {
  const { passed, failed, skipped } = tallyOf(steps);
  const findings = findingsOf(steps);
  return page([
    `# ${failed === 0 ? 'As wanted' : 'Not as wanted'}: ${passed} passed, ${failed} failed, ${skipped} skipped`,
    ...findings.filter(({ result }) => result === 'failed').map(failureBlock),
    table(
      ['stage', 'check', 'result', 'detail'],
      findings.map(({ stage, title, result, problem }) => [
        stage,
        title,
        result,
        result === 'failed' ? 'see above' : problem,
      ]),
    ),
  ]);
};

const failureBlock = ({ title, problem, hint }: Finding): string => {
  const head = `- **${escaped(title)}**`;
  const lines = problem.split('\n');
  const said =
    lines.length === 1 ? ` ${prose(problem.replace(/\.$/, ''))}.` : `\n\n${fenced(lines, '')}\n\n `;
  return `${head}:${said} ${prose(hint)}`.trimEnd();
};

const planStep = (report: StepReport): string => {
  const { id, title } = report.step;
  const head = `## ${id}: ${title}`;
  if (report.status === 'skipped') return `${head}\n\nSkipped: ${escaped(report.because ?? '')}.`;
  const said = report.changes.length === 0 ? ['No changes.'] : report.changes.map(changeBlock);
  return [head, ...problemList(report.problems), ...said].join('\n\n');
};

const changeBlock = (made: MadeChange): string => {
  const { reason, disrupts, effective } = made.change;
  const lines = changeText(made).map((line) => stripVTControlCharacters(line));
  const notes = [
    prose(reason),
    ...(disrupts === undefined ? [] : [`**Disrupts:** ${prose(disrupts)}`]),
    ...(effective === 'after-reboot' ? ['Holds after the next boot.'] : []),
    ...requirementsOf(made.change).map(({ permission }) => `Needs \`--${permission}\`.`),
  ];
  const diff = ['file', 'remove'].includes(made.change.action.kind);
  return `- ${notes.join(' ')}\n\n${fenced(lines, diff ? 'diff' : '')}`;
};

/** A fence that is longer than any in the text cannot be ended by it. */
const fenced = (lines: readonly string[], language: string): string => {
  const longest = Math.max(
    2,
    ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)),
  );
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines, fence].map((line) => `  ${line}`.trimEnd()).join('\n');
};

const problemList = (problems: readonly Problem[]): readonly string[] =>
  problems.length === 0
    ? []
    : [
        problems
          .map(
            ({ code, problem, hint }) =>
              `- **Problem:** ${prose(problem)} (\`${code}\`). ${prose(hint)}`,
          )
          .join('\n'),
      ];

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows.map((row) => row.map(escaped))]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');

/** Our own words mark code as Markdown does. */
const prose = (text: string): string =>
  text
    .split(/(`[^`\n]+`)/)
    .map((part, index) => (index % 2 === 1 ? part : escaped(part)))
    .join('');

/** Characters that Markdown or a table would read otherwise. */
const escaped = (text: string): string =>
  text
    .replace(/[\\`*_[\]<>|]/g, (character) => (character === '<' ? '&lt;' : `\\${character}`))
    .replace(/\s*\n\s*/g, ' ');

const page = (blocks: readonly string[]): string => `${blocks.join('\n\n')}\n`;
