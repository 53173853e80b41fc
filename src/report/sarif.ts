import type { StepReport } from '../events.ts';
import { type Finding, findingsOf } from './findings.ts';

export interface SarifFacts {
  readonly version: string;
  /** What was looked at, for readers that show results by file. */
  readonly specFile: string;
}

/** `verify` as SARIF 2.1.0: a rule a check, a result for each that did not pass. */
export const sarifText = (
  steps: readonly StepReport[],
  { version, specFile }: SarifFacts,
): string => {
  const findings = findingsOf(steps);
  const ids = [...new Set(findings.map(({ id }) => id))];
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'sriovctl',
            version,
            rules: ids.map((id) => ruleOf(id, findings)),
          },
        },
        results: findings
          .filter(({ result }) => result === 'failed')
          .map((finding) => resultOf(finding, ids, specFile)),
        invocations: [{ executionSuccessful: true }],
        columnKind: 'utf16CodeUnits',
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
};

const ruleOf = (id: string, findings: readonly Finding[]): object => {
  const { title = id, severity = 'error' } = findings.find((finding) => finding.id === id) ?? {};
  return { id, shortDescription: { text: title }, defaultConfiguration: { level: severity } };
};

const resultOf = (
  { id, severity, stage, problem, hint }: Finding,
  ids: readonly string[],
  specFile: string,
): object => ({
  ruleId: id,
  ruleIndex: ids.indexOf(id),
  level: severity,
  message: { text: [problem, hint].filter(Boolean).join('\n') },
  locations: [
    {
      physicalLocation: { artifactLocation: { uri: encodeURI(specFile) } },
      logicalLocations: [{ name: stage, kind: 'module' }],
    },
  ],
  partialFingerprints: { 'sriovctl/v1': `${stage}/${id}` },
});
