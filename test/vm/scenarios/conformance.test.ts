import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { describe, expect } from 'vitest';
import type { Recording } from '../../conformance/record.ts';
import { scenarios } from '../../conformance/scenarios.ts';
import { repositoryRoot } from '../guest.ts';
import { scenario } from '../scenario.ts';

const test = scenario();
const conformance = path.join(repositoryRoot, 'test/conformance');
const recorded = path.join(conformance, 'real-kernel.json');

describe('what the unit tests hold the kernel model against', () => {
  test('is what this kernel does', { timeout: 900_000 }, async ({ guest }) => {
    await build({
      entryPoints: [path.join(conformance, 'guest-main.ts')],
      outfile: path.join(guest.share, 'conformance.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      logLevel: 'error',
    });
    await guest.sh('modprobe igbvf; ip link set enp1s0f0 up; udevadm settle');
    await guest.sh('until [ "$(cat /sys/class/net/enp1s0f0/carrier)" = 1 ]; do sleep 0.1; done');
    const script = ['node', '/mnt/share/conformance.mjs', '/mnt/share/recording.json'] as const;
    expect(await guest.run(script, { timeoutMs: 600_000 })).toMatchObject({ exitCode: 0 });

    const text = await readFile(path.join(guest.share, 'recording.json'), 'utf8');
    const recording = JSON.parse(text) as Recording;
    if (process.env['SRIOVCTL_UPDATE_RECORDING'] !== undefined) {
      await writeFile(recorded, `${JSON.stringify(recording, undefined, 1)}\n`);
    }
    const known = JSON.parse(await readFile(recorded, 'utf8')) as Recording;
    for (const { title } of scenarios) expect(recording[title], title).toEqual(known[title]);
  });
});
