import type { Change } from '../change.ts';
import type { CheckResult } from '../check.ts';
import type { HostView } from '../host.ts';
import type { ResolvedPf, ResolvedSpec } from '../resolved-spec.ts';
import { type PhysicalFunction, readPf } from '../sysfs/pci-device.ts';

/** The changes of every PF of the spec that is there, one PF after the other. */
export const planEachPf = async (
  { pfs }: ResolvedSpec,
  { fs }: HostView,
  plan: (pf: PhysicalFunction, wanted: ResolvedPf) => Promise<readonly Change[]>,
): Promise<readonly Change[]> => {
  const changes: Change[] = [];
  for (const wanted of pfs) {
    const pf = await readPf(fs, wanted.address);
    if (pf !== undefined) changes.push(...(await plan(pf, wanted)));
  }
  return changes;
};

/** Looks at every PF of the spec; the gravest result stands for all, and all failures are told. */
export const forEachPf = async (
  { pfs }: ResolvedSpec,
  look: (pf: ResolvedPf) => Promise<CheckResult>,
): Promise<CheckResult> => {
  const results: CheckResult[] = [];
  for (const pf of pfs) results.push(await look(pf));
  return merge(results);
};

const pass: CheckResult = { status: 'pass' };

const merge = (results: readonly CheckResult[]): CheckResult => {
  const failures = results.filter((result) => result.status === 'fail');
  const [failure] = failures;
  if (failure !== undefined) {
    const shared = failures.every(({ code }) => code === failure.code);
    return {
      status: 'fail',
      problem: failures.map(({ problem }) => problem).join('; '),
      hint: [...new Set(failures.map(({ hint }) => hint))].join(' '),
      ...(shared && failure.code !== undefined && { code: failure.code }),
    };
  }
  const pending = results.find(({ status }) => status === 'pending' || status === 'reboot');
  if (pending !== undefined) return pending;
  const details = results.flatMap((result) =>
    result.status === 'pass' && result.detail !== undefined ? [result.detail] : [],
  );
  if (details.length > 0) return { status: 'pass', detail: details.join('; ') };
  return results.find(({ status }) => status === 'skip') ?? pass;
};
