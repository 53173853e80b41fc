import { describe, expect, test } from 'vitest';
import { parseGrubEnvironment, setGrubVariable } from '../../src/boot/formats/grub-environment.ts';
import { grubMenuEntries } from '../../src/boot/formats/grub-menu.ts';
import {
  loaderBootEntry,
  readLoaderEntries,
  withOptions,
} from '../../src/boot/formats/loader-entry.ts';
import { bootFixture } from './rehearsal.ts';

describe('grub.cfg', () => {
  const menu = `### BEGIN /etc/grub.d/10_linux ###
menuentry 'Debian' --class os {
	linux	/vmlinuz root=UUID=1 ro quiet dyndbg=\\"file x +p\\" 'a=b'
}
submenu 'Advanced' {
	menuentry "Debian (recovery mode)" {
		linux /vmlinuz root=UUID=1 ro nomodeset
	}
	menuentry 'Debian, old' {
		linuxefi /vmlinuz
	}
}
### END /etc/grub.d/10_linux ###
### BEGIN /etc/grub.d/40_custom ###
menuentry 'By hand' {
	linux /other quiet
}
### END /etc/grub.d/40_custom ###
`;

  test('has an entry for each generated kernel, but for recovery', () => {
    const entries = grubMenuEntries('/boot/grub/grub.cfg', menu);
    expect(entries.map(({ name }) => name)).toEqual(['Debian', 'Debian, old']);
    expect(entries[0]?.words.map(({ text }) => text)).toEqual([
      'root=UUID=1',
      'ro',
      'quiet',
      'dyndbg="file x +p"',
      'a=b',
    ]);
    expect(entries[0]?.words[0]).toMatchObject({ path: '/boot/grub/grub.cfg', line: 3 });
    expect(entries[1]?.words).toEqual([]);
  });

  test('without marked sections has all of them', () => {
    const unmarked = menu.replaceAll(/^###.*\n/gm, '');
    expect(grubMenuEntries('/x', unmarked).map(({ name }) => name)).toContain('By hand');
  });
});

describe('a Boot Loader Specification entry', () => {
  test('is completed by the variables of grubenv, with their place', async () => {
    const { fs } = bootFixture('rhel-8');
    const [entry] = await readLoaderEntries(fs, '/boot/loader/entries');
    const environment = (await fs.readText('/boot/grub2/grubenv')) ?? '';
    const variables = parseGrubEnvironment('/boot/grub2/grubenv', environment);
    if (entry === undefined) throw new Error('there is no entry');

    const words = loaderBootEntry(entry, variables).words;
    expect(words.map(({ text }) => text)).toContain('rd.lvm.lv=rhel/root');
    expect(words[0]).toMatchObject({ path: '/boot/grub2/grubenv', line: 3 });
    expect(words.at(-1)).toMatchObject({ text: '$tuned_params', line: 5 });
  });

  test('keeps everything but its options when these are changed', async () => {
    const { fs } = bootFixture('fedora-systemd-boot');
    const [entry] = await readLoaderEntries(fs, '/boot/efi/loader/entries');
    if (entry === undefined) throw new Error('there is no entry');
    const changed = withOptions(entry, (options) => `${options} a`);
    expect(changed).toBe(entry.text.replace(/^options .*/m, '$& a'));
  });
});

test('grubenv keeps its size and its other variables', async () => {
  const text = (await bootFixture('rhel-8').fs.readText('/boot/grub2/grubenv')) ?? '';
  const changed = setGrubVariable(text, 'kernelopts', 'quiet a=b');
  expect(changed).toHaveLength(1024);
  const variables = parseGrubEnvironment('/boot/grub2/grubenv', changed);
  expect(variables.get('kernelopts')?.value).toBe('quiet a=b');
  expect(variables.get('boot_success')?.value).toBe('0');
  const same = parseGrubEnvironment('/x', text).get('kernelopts')?.value ?? '';
  expect(setGrubVariable(text, 'kernelopts', same)).toBe(text);
});
