import * as z from 'zod';
import { documentSchema } from './json.ts';
import { planSchema } from './plan-document.ts';

/**
 * The documents of `-o json` and `-o yaml`. Within a version keys are added and never taken away or
 * given another meaning, so a reader leaves alone what it does not know.
 */
const problem = z
  .looseObject({
    code: z.string().describe('Stable: `sriovctl explain CODE` tells more'),
    problem: z.string().describe('What is'),
    hint: z.string().describe('What to do'),
  })
  .describe('Something that is wrong');

const pciFunction = {
  address: z.string().describe('PCI address in full, for example 0000:01:00.0'),
  vendor: z.string().describe('PCI vendor id, four hex digits'),
  device: z.string().describe('PCI device id, four hex digits'),
  driver: z.string().optional(),
  netdev: z.string().optional(),
  mac: z.string().optional(),
  iommuGroup: z.string().optional(),
  numaNode: z.int().describe('-1 where the host does not say'),
};

const names = z.looseObject({ vendor: z.string().optional(), device: z.string().optional() });

const pf = z
  .looseObject({
    ...pciFunction,
    sriov: z.looseObject({
      totalVfs: z.int(),
      offset: z.int().optional(),
      stride: z.int().optional(),
      vfDevice: z.string().optional(),
      autoprobe: z.boolean().optional(),
    }),
    vfs: z.array(
      z.looseObject({
        index: z.int(),
        ...pciFunction,
        randomMac: z
          .literal(true)
          .optional()
          .describe('In a simulation: the VF will have a random MAC, so none is foretold'),
      }),
    ),
    names: names.describe('Names of the ids, where the host has a list of them'),
    vfNames: names,
  })
  .describe('A PF with its VFs');

const change = z.looseObject({
  change: z.looseObject({
    action: z.looseObject({ kind: z.string().describe('attribute, file, command …') }),
    reason: z.string(),
    disrupts: z.string().optional(),
    effective: z.enum(['now', 'after-reboot']).optional(),
  }),
  before: z.string().optional().describe('What stood there, where there was text to see'),
});

const step = z.looseObject({
  step: z.looseObject({ id: z.string(), title: z.string(), scope: z.enum(['host', 'cluster']) }),
  status: z.enum([
    'in-sync',
    'changed',
    'drifted',
    'reboot-required',
    'skipped',
    'refused',
    'failed',
  ]),
  because: z.string().optional().describe('Why it was skipped'),
  changes: z.array(change),
  checks: z.array(
    z.looseObject({
      check: z.looseObject({
        id: z.string(),
        title: z.string(),
        severity: z.enum(['error', 'warning']),
      }),
      result: z.looseObject({ status: z.enum(['pass', 'pending', 'reboot', 'fail', 'skip']) }),
    }),
  ),
  problems: z.array(problem),
});

const outcome = z.enum([
  'in-sync',
  'applied',
  'drifted',
  'unknown',
  'outstanding',
  'reboot-required',
  'refused',
  'rolled-back',
  'rollback-incomplete',
  'interrupted',
]);

const schema = z.literal(documentSchema);
const exitCode = z.int().describe('What the process ends with');

/** One schema for each kind of document; `sriovctl schema NAME` prints it. */
export const documents = {
  run: z
    .looseObject({
      schema,
      command: z.string(),
      outcome,
      exitCode,
      predicted: z.boolean().describe('The VFs and changes are those of a rehearsal'),
      steps: z.array(step),
      pfs: z.array(pf),
      problems: z.array(problem),
      leftover: z.array(z.string()).describe('What a rollback could not take back'),
    })
    .describe('What setup, teardown, apply, try and verify print'),
  plan: z
    .looseObject({
      schema: z.literal(planSchema),
      command: z.enum(['setup', 'teardown']),
      version: z.string(),
      createdAt: z.string(),
      host: z.looseObject({
        hostname: z.string(),
        kernel: z.string(),
        pfs: z.array(
          z.looseObject({
            address: z.string(),
            vendor: z.string(),
            device: z.string(),
            driver: z.string().nullable(),
            netdev: z.string().nullable(),
            mac: z.string().nullable(),
            totalVfs: z.int(),
            vfs: z.int(),
          }),
        ),
      }),
      spec: z.looseObject({ pfs: z.array(z.looseObject({ address: z.string() })) }),
      stages: z.array(z.string()),
      permissions: z.array(z.string()),
      outcome,
      exitCode,
      steps: z.array(step),
      pfs: z.array(pf),
      problems: z.array(problem),
    })
    .describe('What plan prints and keeps, and apply takes'),
  list: z
    .looseObject({ schema, command: z.literal('list'), pfs: z.array(pf) })
    .describe('What list prints'),
  show: z
    .looseObject({
      schema,
      command: z.literal('show'),
      pf,
      details: z.record(z.string(), z.string()),
    })
    .describe('What show prints'),
  explain: z
    .looseObject({
      schema,
      command: z.literal('explain'),
      codes: z.array(
        z.looseObject({
          code: z.string(),
          kind: z.enum(['error', 'check']),
          means: z.string(),
          remedy: z.string(),
        }),
      ),
      keys: z
        .array(z.looseObject({ key: z.string(), value: z.string(), meaning: z.string() }))
        .optional()
        .describe('The keys of the spec file, for `explain spec`'),
    })
    .describe('What explain prints'),
  end: z
    .looseObject({
      schema,
      command: z.enum(['undo', 'confirm']),
      outcome: z.enum(['undone', 'incomplete', 'nothing-to-undo', 'confirmed']),
      exitCode,
      run: z.string().optional().describe('The id of the run that was taken back'),
      leftover: z.array(z.string()).describe('What could not be taken back'),
    })
    .describe('What undo and confirm print'),
  findings: z
    .looseObject({
      schema,
      command: z.enum(['kube smoke', 'kube diagnose', 'kube lint']),
      findings: z.array(z.looseObject({})),
      skipped: z
        .array(z.looseObject({ what: z.string(), because: z.string() }))
        .optional()
        .describe('What kube diagnose could not look at'),
    })
    .describe('What kube smoke, kube diagnose and kube lint print'),
  diff: z
    .looseObject({ schema, command: z.literal('kube diff'), diff: z.string() })
    .describe('What kube diff prints'),
  error: z
    .looseObject({
      schema,
      command: z.string(),
      outcome: z.literal('error'),
      exitCode,
      problems: z.array(problem),
    })
    .describe('What every command prints when it could not begin'),
} as const;

/** The published schema of a document. */
export const documentJsonSchema = (
  name: keyof typeof documents,
): Readonly<Record<string, unknown>> => ({
  ...z.toJSONSchema(documents[name], { target: 'draft-7', reused: 'inline' }),
  $id: `sriovctl-${name}-v1.json`,
});
