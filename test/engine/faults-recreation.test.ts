import { describe, test } from 'vitest';
import { steps } from '../../src/steps/index.ts';
import { type Scenario, tryFaults, tryKills } from './faults.ts';

/** Without the boot unit, whose files the other run makes. */
const scenario: Scenario = {
  start: 3,
  wanted: 5,
  stages: steps.filter(({ id, scope }) => scope === 'host' && id !== 'persist'),
};

describe('a run that makes five VFs where there are three', () => {
  test('ends in a clear error, a consistent host and a true record whatever goes wrong', async () => {
    await tryFaults(scenario);
  }, 1_800_000);

  test('is undone and gone on from after its end at any write', async () => {
    await tryKills(scenario);
  }, 300_000);
});
