import type { StepReport } from '../events.ts';
import { type Finding, findingsOf } from './findings.ts';

/** `verify` as JUnit XML, the form every CI system reads: a suite a stage, a case a check. */
export const junitXml = (steps: readonly StepReport[]): string => {
  const findings = findingsOf(steps);
  const suites = [...new Set(findings.map(({ stage }) => stage))].map((stage) =>
    suite(
      stage,
      findings.filter((finding) => finding.stage === stage),
    ),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="sriovctl verify" ${counts(findings)}>`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
};

const suite = (stage: string, findings: readonly Finding[]): string =>
  [
    `  <testsuite name="${text(stage)}" ${counts(findings)}>`,
    ...findings.map(testcase),
    '  </testsuite>',
  ].join('\n');

const testcase = ({ stage, title, id, result, severity, problem, hint }: Finding): string => {
  const head = `    <testcase classname="${text(`sriovctl.${stage}`)}" name="${text(title)}" time="0"`;
  if (result === 'passed') return `${head}/>`;
  const [first = ''] = problem.split('\n');
  const inner =
    result === 'skipped'
      ? `      <skipped message="${text(problem)}"/>`
      : `      <failure type="${text(id)}" message="${text(first)}">${text([severity, problem, hint].filter(Boolean).join('\n'))}</failure>`;
  return `${head}>\n${inner}\n    </testcase>`;
};

const counts = (findings: readonly Finding[]): string => {
  const count = (wanted: Finding['result']): number =>
    findings.filter(({ result }) => result === wanted).length;
  return `tests="${findings.length}" failures="${count('failed')}" errors="0" skipped="${count('skipped')}" time="0"`;
};

/** XML 1.0 has no place for most control characters, not even escaped ones. */
const text = (value: string): string =>
  value
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through.
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>"\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`);
