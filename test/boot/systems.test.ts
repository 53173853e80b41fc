import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readOutlook } from '../../src/boot/outlook.ts';
import type { ResolvedSpec } from '../../src/resolved-spec.ts';
import { iommu } from '../../src/steps/iommu.ts';
import {
  bootFixture,
  changedFiles,
  checksText,
  indent,
  reboot,
  setup,
  specOf,
  statusText,
  teardown,
} from './rehearsal.ts';

const names = readdirSync(join(import.meta.dirname, '../../fixtures'))
  .filter((name) => name.startsWith('boot-'))
  .map((name) => name.slice('boot-'.length));

const specs: Readonly<Record<string, ResolvedSpec>> = {
  '--iommu=auto': specOf(),
  '--iommu=on': specOf({ iommu: 'on' }),
  '--kernel-arg pci=realloc': specOf({ boot: { kernelArgs: ['pci=realloc'] } }),
};

/** The story of a host: setup, reboot, setup again, teardown, reboot. Each is reviewed by a person. */
const storyOf = async (name: string, spec: ResolvedSpec): Promise<string> => {
  const host = bootFixture(name);
  const parts = [section('before', await statusText(spec, host))];
  const preflight = await checksText(spec, host, 'preflight');
  parts.push(section('preflight', preflight));
  if (preflight.includes('FAILED')) return parts.join('');

  const made = await setup(spec, host);
  parts.push(section('plan', made.join('\n') || 'nothing'));
  parts.push(section('after', await statusText(spec, host)));
  parts.push(section('checks', await checksText(spec, host, 'checks')));
  if (made.length > 0) {
    await reboot(spec, host);
    expect(await iommu.plan(spec, host), 'after the reboot nothing is left to do').toEqual([]);
    parts.push(section('after a reboot', await checksText(spec, host, 'checks')));
    parts.push(section('teardown', (await teardown(host)).join('\n')));
    // What a generator makes of an opaque file is not foretold.
    const opaque = name === 'opaque' ? ['/boot/grub/grub.cfg'] : [];
    expect(await changedFiles(name, host), 'a teardown leaves files as they were').toEqual(opaque);
  }
  return parts.join('');
};

const section = (title: string, text: string): string =>
  text === '' ? '' : `${title}:\n${indent(text)}\n`;

describe.each(names)('%s', (name) => {
  test('has the reviewed plan and status', async () => {
    const host = bootFixture(name);
    const { boot, iommu: found } = await readOutlook(specOf({ iommu: 'on' }), host);
    let text = `${boot?.system.id ?? ''}: ${boot?.system.title ?? ''}\niommu: ${found.state} (${found.vendor})\n`;
    for (const [title, spec] of Object.entries(specs)) {
      text += `\n==== ${title}\n${await storyOf(name, spec)}`;
    }
    await expect(text).toMatchFileSnapshot(`__snapshots__/${name}.txt`);
  });
});

describe('--grub-file', () => {
  const spec = specOf({ iommu: 'on', boot: { grubFile: true } });

  test.each(['ubuntu-22.04', 'debian-13', 'sles-15'])('%s is edited in place', async (name) => {
    await expect(`==== --iommu=on --grub-file\n${await storyOf(name, spec)}`).toMatchFileSnapshot(
      `__snapshots__/${name}.grub-file.txt`,
    );
  });

  test('an opaque file is refused with its line', async () => {
    expect(await checksText(spec, bootFixture('opaque'), 'preflight')).toContain(
      '/etc/default/grub:4 holds a command (if), so it is not edited',
    );
  });
});
