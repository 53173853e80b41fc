import { describe, test } from 'vitest';
import { steps } from '../../src/steps/index.ts';
import { type Scenario, tryFaults, tryKills } from './faults.ts';

/** Through all stages of a host. */
const scenario: Scenario = {
  start: 0,
  wanted: 2,
  stages: steps.filter(({ scope }) => scope === 'host'),
};

describe('a run that makes VFs where there are none', () => {
  test('ends in a clear error, a consistent host and a true record whatever goes wrong', async () => {
    await tryFaults(scenario);
  }, 1_800_000);

  test('is undone and gone on from after its end at any write', async () => {
    await tryKills(scenario);
  }, 300_000);
});
