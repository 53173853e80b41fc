import type { Permission } from '../change.ts';
import { requirementsOf } from '../change.ts';
import type { MadeChange, Outcome, Problem, StepReport } from '../events.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { NamedPf } from '../sysfs/inventory.ts';

/** The name and version of the form of a saved plan. */
export const planSchema = 'sriovctl/plan/v1';

/** A PF as a plan found it: what must still be so when the plan is applied. */
export interface PlannedPf {
  readonly address: string;
  readonly vendor: string;
  readonly device: string;
  readonly driver: string | null;
  readonly netdev: string | null;
  readonly mac: string | null;
  readonly totalVfs: number;
  readonly vfs: number;
}

/** A plan as it is saved, reviewed and applied. */
export interface PlanDocument {
  readonly schema: typeof planSchema;
  readonly command: 'setup' | 'teardown';
  /** Of sriovctl: another version may plan otherwise. */
  readonly version: string;
  readonly createdAt: string;
  readonly host: {
    readonly hostname: string;
    readonly kernel: string;
    readonly pfs: readonly PlannedPf[];
  };
  readonly spec: ResolvedSpec;
  readonly stages: readonly string[];
  readonly permissions: readonly Permission[];
  readonly outcome: Outcome;
  readonly exitCode: number;
  readonly steps: readonly StepReport[];
  readonly pfs: readonly NamedPf[];
  readonly problems: readonly Problem[];
}

export const plannedPf = ({ sriov, vfs, ...pf }: NamedPf): PlannedPf => ({
  address: pf.address,
  vendor: pf.vendor,
  device: pf.device,
  driver: pf.driver ?? null,
  netdev: pf.netdev ?? null,
  mac: pf.mac ?? null,
  totalVfs: sriov.totalVfs,
  vfs: vfs.length,
});

/** What a plan says of the host and of each change, as far as it must not move before it is applied. */
export type PlanFacts = Pick<PlanDocument, 'version' | 'host' | 'steps'>;

/** What has moved since a plan was made, in words; empty when it still holds. */
export const movedSince = (saved: PlanFacts, now: PlanFacts): readonly string[] => [
  ...differences('sriovctl', { version: saved.version }, { version: now.version }),
  ...differences('the host', hostFacts(saved), hostFacts(now)),
  ...saved.host.pfs.flatMap((pf) => {
    const same = now.host.pfs.find(({ address }) => address === pf.address);
    return same === undefined
      ? [`PF ${pf.address} is gone`]
      : differences(`PF ${pf.address}`, { ...pf }, { ...same });
  }),
  ...changeMoves(saved, now),
];

const hostFacts = ({ host: { hostname, kernel } }: PlanFacts): Record<string, unknown> => ({
  hostname,
  kernel,
});

const differences = (
  of: string,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly string[] =>
  Object.keys(before)
    .filter((key) => !same(before[key], after[key]))
    .map((key) => `${of}: ${key} was ${words(before[key])}, is ${words(after[key])}`);

/** Changes are compared by what is done and what stood there; reasons are only words. */
const changeMoves = (saved: PlanFacts, now: PlanFacts): readonly string[] => {
  const [before, after] = [changesOf(saved), changesOf(now)];
  return [
    ...[...before.keys()]
      .filter((key) => !after.has(key))
      .map((key) => `no longer needed, or otherwise: ${label(before, key)}`),
    ...[...after.keys()]
      .filter((key) => !before.has(key))
      .map((key) => `not in the plan: ${label(after, key)}`),
  ];
};

const changesOf = ({ steps }: PlanFacts): ReadonlyMap<string, string> =>
  new Map(
    steps.flatMap(({ step, changes }) =>
      changes.map((made) => [fingerprint(made), `${step.id}: ${made.change.reason}`] as const),
    ),
  );

const fingerprint = ({ change, before }: MadeChange): string =>
  canonical({
    action: change.action,
    before: before ?? null,
    requires: requirementsOf(change).map(({ permission }) => permission),
  });

const label = (changes: ReadonlyMap<string, string>, key: string): string =>
  changes.get(key) ?? key;

const same = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

/** JSON with sorted keys: a plan that went through a file has another order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

const words = (value: unknown): string =>
  value === null || value === undefined
    ? 'none'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
