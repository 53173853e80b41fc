import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import * as z from 'zod';
import { SriovctlError } from '../errors.ts';
import { movedSince, type PlanDocument, planSchema } from '../report/plan-document.ts';
import { steps } from '../steps/index.ts';
import { normalizePciAddress } from '../sysfs/pci-address.ts';
import { isPfSelector } from '../sysfs/resolve-pf.ts';
import { assertRoot } from './host.ts';
import { addOutputFlags, type OutputFlags } from './output.ts';
import { planDocumentOf } from './plan-document.ts';
import { openTraced, runStages, type StageRun, type WritingFlags } from './run-stages.ts';
import type { Streams } from './streams.ts';

interface ApplyFlags extends OutputFlags {
  readonly dryRun?: boolean;
  readonly detailedExitcode?: boolean;
  readonly simulate?: string;
  readonly simulateOut?: string;
}

/** `sriovctl apply`: a reviewed plan, made real if the host is still the one it was made for. */
export const applyCommand = (streams: Streams): Command =>
  addOutputFlags(new Command('apply').argument('<plan>', 'a file that `sriovctl plan --out` wrote'))
    .summary('make a saved plan real')
    .description(
      'Plan again, compare with the saved plan, and make it real. When the host has moved since, nothing is changed.',
    )
    .option('--dry-run', 'only see whether the plan still fits, and what is left of it')
    .option('--detailed-exitcode', 'with --dry-run: exit code 6 when changes are outstanding')
    .option('--simulate <dir>', 'work on a captured host tree instead of this host')
    .option('--simulate-out <dir>', 'keep the tree that a simulated run ends with')
    .addHelpText(
      'after',
      '\nExamples:\n  sriovctl apply plan.json --dry-run\n  sriovctl apply plan.json -o json',
    )
    .action(async (file: string, flags: ApplyFlags) => {
      assertRoot(flags.simulate);
      const plan = readPlan(file);
      const all: WritingFlags = { ...flags, ...permitted(plan) };
      const stages: StageRun = {
        command: plan.command,
        steps: plan.stages.map(stepOf),
        host: await openTraced(flags, streams),
        spec: plan.spec,
      };
      const accept: StageRun['accept'] = async (rehearsed) => {
        // A plan that has been applied already is fulfilled, not outdated.
        if (rehearsed.result.outcome === 'in-sync') return;
        const now = await planDocumentOf(stages, all, rehearsed, 'ok');
        const moved = movedSince(plan, now);
        if (moved.length > 0) throw planStale(file, moved);
      };
      streams.exitCode = await runStages({ ...stages, accept }, all, streams);
    });

/** What of a plan is used for more than comparing; the rest is compared with a plan of now. */
const planForm = z.looseObject({
  schema: z.literal(planSchema),
  command: z.enum(['setup', 'teardown']),
  version: z.string(),
  host: z.looseObject({
    hostname: z.string(),
    kernel: z.string(),
    pfs: z.array(z.looseObject({ address: z.string() })),
  }),
  spec: z.looseObject({
    pfs: z.array(
      z.looseObject({
        address: z
          .string()
          .refine((text) => normalizePciAddress(text) === text, 'is no PCI address'),
        selector: z.string().refine(isPfSelector, 'is no name of a PF'),
        vfs: z.int().min(0).max(65_535),
      }),
    ),
    kube: z.looseObject({ mode: z.enum(['auto', 'required', 'off']) }),
  }),
  stages: z.array(z.string()),
  permissions: z.array(z.enum(['recreate', 'force', 'force-conflicts'])),
  steps: z.array(
    z.looseObject({
      step: z.looseObject({ id: z.string() }),
      changes: z.array(
        z.looseObject({
          change: z.looseObject({
            action: z.looseObject({ kind: z.string() }),
            reason: z.string(),
          }),
        }),
      ),
    }),
  ),
});

/** @throws SriovctlError PLAN_UNREADABLE or PLAN_INVALID (exit `usage`). */
const readPlan = (file: string): PlanDocument => {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code = 'it is no JSON' } = error as NodeJS.ErrnoException;
    throw new SriovctlError('PLAN_UNREADABLE', `the plan ${file} cannot be read (${code})`, {
      exit: 'usage',
      hint: 'Make one with `sriovctl plan --out plan.json`.',
      cause: error,
    });
  }
  const parsed = planForm.safeParse(value);
  if (parsed.success) return parsed.data as unknown as PlanDocument;
  const [first] = parsed.error.issues;
  throw new SriovctlError(
    'PLAN_INVALID',
    `${file} is no plan of this version: ${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`,
    { exit: 'usage', hint: 'Make it again with `sriovctl plan --out plan.json`.' },
  );
};

const permitted = ({ permissions }: PlanDocument): Pick<WritingFlags, 'recreate' | 'force'> => ({
  recreate: permissions.includes('recreate'),
  force: permissions.includes('force'),
});

const stepOf = (id: string): StageRun['steps'][number] => {
  const step = steps.find((known) => known.id === id);
  if (step !== undefined) return step;
  throw new SriovctlError('PLAN_INVALID', `the plan has a stage ${id} that is not there`, {
    exit: 'usage',
    hint: 'It was made by another version: make it again with `sriovctl plan --out plan.json`.',
  });
};

const planStale = (file: string, moved: readonly string[]): SriovctlError =>
  new SriovctlError(
    'PLAN_STALE',
    `the host is no longer what ${file} was made for:\n${moved.map((what) => `  ${what}`).join('\n')}`,
    {
      exit: 'refused',
      hint: 'Nothing was changed. Plan and review it again: `sriovctl plan --out`.',
    },
  );
