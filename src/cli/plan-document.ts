import type { Rehearsed } from '../engine/setup.ts';
import { type ExitReason, exitCodes } from '../errors.ts';
import { type PlanDocument, plannedPf, planSchema } from '../report/plan-document.ts';
import { hostname, kernelRelease } from '../sysfs/paths.ts';
import { readAttribute } from '../sysfs/read.ts';
import { version } from '../version.ts';
import { permissionsOf } from './options.ts';
import { type StageRun, type WritingFlags, wantedPfs } from './run-stages.ts';

/** A rehearsal with what it rests on. */
export const planDocumentOf = async (
  { command, steps, host, spec }: StageRun,
  flags: Pick<WritingFlags, 'recreate' | 'force'>,
  { result, host: rehearsed }: Rehearsed,
  exit: ExitReason,
): Promise<PlanDocument> => ({
  schema: planSchema,
  command,
  version,
  createdAt: new Date().toISOString(),
  host: {
    hostname: (await readAttribute(host.fs, hostname)) ?? 'unknown',
    kernel: (await readAttribute(host.fs, kernelRelease)) ?? 'unknown',
    pfs: (await wantedPfs(host, spec)).map(plannedPf),
  },
  spec,
  stages: steps.map(({ id }) => id),
  permissions: [...permissionsOf(flags)],
  outcome: result.outcome,
  exitCode: exitCodes[exit].code,
  steps: result.steps,
  pfs: await wantedPfs(rehearsed, spec),
  problems: result.steps.flatMap(({ problems }) => problems),
});
