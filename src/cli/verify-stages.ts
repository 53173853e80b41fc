import { verify } from '../engine/verify.ts';
import { exitCodes } from '../errors.ts';
import type { Host, HostView } from '../host.ts';
import { githubText } from '../report/github.ts';
import { runDocument } from '../report/json.ts';
import { junitXml } from '../report/junit.ts';
import { verifyMarkdown } from '../report/markdown.ts';
import { sarifText } from '../report/sarif.ts';
import { tapText } from '../report/tap.ts';
import { verifyText } from '../report/verify-text.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { version } from '../version.ts';
import { exitOf } from './exit.ts';
import type { StageFlags } from './options.ts';
import { emit, type Format, type OutputFlags } from './output.ts';
import { wantedPfs } from './run-stages.ts';
import type { Streams } from './streams.ts';

/** In which a verification is told besides text, JSON and YAML. */
export const verifyFormats: readonly Format[] = ['markdown', 'junit', 'github', 'tap', 'sarif'];

export interface Verification {
  readonly command: string;
  readonly steps: readonly Step[];
  readonly host: HostView & Pick<Host, 'drawnMacs'>;
  readonly spec: ResolvedSpec;
}

/** Looks at stages, and tells what it saw; the exit code is of the worst. */
export const verifyStages = async (
  { command, steps, host, spec }: Verification,
  flags: StageFlags & OutputFlags,
  streams: Streams,
): Promise<number> => {
  const result = await verify({
    steps,
    spec,
    host,
    listener: () => undefined,
  });
  const exit = exitOf(result.outcome);
  const pfs = await wantedPfs(host, spec);
  const problems = result.steps.flatMap((step) => step.problems);
  await emit(streams, flags, {
    document: runDocument({ command, ...result, exit, predicted: false, pfs, problems }),
    texts: {
      text: () => verifyText(result.steps),
      markdown: () => verifyMarkdown(result.steps),
      junit: () => junitXml(result.steps),
      github: () => githubText(result.steps),
      tap: () => tapText(result.steps),
      sarif: () =>
        sarifText(result.steps, { version, specFile: flags.config ?? 'etc/sriovctl/node.yaml' }),
    },
  });
  return exitCodes[exit].code;
};
