import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Deviations } from '../../src/sysfs/kernel/kernel.ts';
import { type Recording, record } from '../conformance/record.ts';
import { type Scenario, scenarios } from '../conformance/scenarios.ts';
import { simulatedStage } from '../conformance/simulated-stage.ts';

/** Made in a virtual machine and held against its kernel by test/vm/scenarios/conformance.test.ts. */
const real = JSON.parse(readFileSync('test/conformance/real-kernel.json', 'utf8')) as Recording;

const simulate = async (
  played: readonly Scenario[],
  deviations: Deviations = {},
): Promise<Recording> =>
  record(await simulatedStage('fixtures/82576-qemu', { deviations }), played);

describe('the simulated kernel and a real one', { timeout: 120_000 }, () => {
  test('answer every write alike, with the same changes of the tree', async () => {
    const simulated = await simulate(scenarios);

    for (const { title } of scenarios) expect(simulated[title], title).toEqual(real[title]);
    expect(Object.keys(real)).toEqual(scenarios.map(({ title }) => title));
  });

  test.each<{ name: string; deviations: Deviations; differs: RegExp }>([
    { name: 'a wrong errno', deviations: { errnos: { EBUSY: 'EINVAL' } }, differs: /"EINVAL"/ },
    { name: 'a missing link', deviations: { withoutPhysfn: true }, differs: /\/physfn/ },
    { name: 'a wrong stride', deviations: { strideOff: 1 }, differs: /0000:01:10\.3/ },
  ])('are told apart by $name', async ({ deviations, differs }) => {
    const [first] = scenarios;
    if (first === undefined) throw new Error('there are no scenarios');
    const simulated = (await simulate([first], deviations))[first.title];

    expect(simulated).not.toEqual(real[first.title]);
    expect(differencesOf(simulated, real[first.title])).toMatch(differs);
  });
});

/** Lines that only one of two recordings has. */
const differencesOf = (one: unknown, other: unknown): string => {
  const lines = (value: unknown): readonly string[] =>
    JSON.stringify(value, undefined, 1).split('\n');
  const [ours, theirs] = [new Set(lines(one)), new Set(lines(other))];
  return [
    ...[...ours].filter((line) => !theirs.has(line)),
    ...[...theirs].filter((line) => !ours.has(line)),
  ].join('\n');
};
