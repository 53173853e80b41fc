import { describe, expect, test } from 'vitest';
import { parseDkmsConf } from '../../src/driver-source/dkms-conf.ts';
import { modulesOfMakefile } from '../../src/driver-source/makefile.ts';
import { type Member, parseTarListing, unsafeMember } from '../../src/driver-source/members.ts';

describe('the modules that a Makefile builds', () => {
  test.each([
    ['obj-m := hello.o', ['hello']],
    ['obj-$(CONFIG_IGBVF) += igbvf.o\nigbvf-y := vf.o', ['igbvf']],
    ['DRIVER := ice\nobj-m += $(DRIVER).o\n$(DRIVER)-y := main.o', ['ice']],
    ['NAME = iavf\nDRIVER ?= ${NAME}\nobj-m += ${DRIVER}.o auxiliary.o', ['iavf', 'auxiliary']],
    ['obj-m += one.o \\\n\ttwo.o # three.o', ['one', 'two']],
    ['ifneq ($(KERNELRELEASE),)\n  obj-m += igb.o\nendif', ['igb']],
    ['obj-m += $(shell rm -rf /).o', []],
    ['obj-y += builtin.o\nall:\n\techo obj-m += no.o', []],
  ])('%j', (text, modules) => {
    expect(modulesOfMakefile(text)).toEqual(modules);
  });
});

describe('a dkms.conf', () => {
  test('says name, version and modules', () => {
    const conf = [
      'PACKAGE_NAME="igbvf"',
      "PACKAGE_VERSION='1.2-3'",
      'BUILT_MODULE_NAME[0]="$PACKAGE_NAME"',
      'BUILT_MODULE_NAME[1]=other # not this',
      'MAKE="make -C src"',
    ].join('\n');
    expect(parseDkmsConf(conf)).toEqual({
      name: 'igbvf',
      version: '1.2-3',
      modules: ['igbvf', 'other'],
    });
  });

  test.each([
    'PACKAGE_NAME="igbvf"',
    'PACKAGE_NAME="../../etc"\nPACKAGE_VERSION="1"',
    'PACKAGE_NAME="igbvf"\nPACKAGE_VERSION="$(id)"',
    'PACKAGE_NAME="-a"\nPACKAGE_VERSION="1"',
    'PACKAGE_NAME="igbvf"\nPACKAGE_VERSION="1/../2"',
  ])('that cannot be read without a shell, or leads elsewhere, is none: %j', (text) => {
    expect(parseDkmsConf(text)).toBeUndefined();
  });
});

describe('members of a source', () => {
  const listing = [
    'drwxr-xr-x 0/0               0 2026-11-17 10:07 igbvf-1/',
    '-rw-r--r-- 1000/1000       212 2026-11-17 10:07 igbvf-1/Makefile',
    'lrwxrwxrwx 0/0               0 2026-11-17 10:07 igbvf-1/src/a b -> ../Makefile',
    'hrw-r--r-- 0/0               0 2026-11-17 10:07 igbvf-1/copy link to igbvf-1/Makefile',
    'crw-r--r-- 0/0             1,3 2026-11-17 10:07 igbvf-1/null',
  ].join('\n');

  test('are read from what tar lists', () => {
    expect(parseTarListing(`${listing}\n`)).toEqual([
      { kind: 'directory', name: 'igbvf-1' },
      { kind: 'file', name: 'igbvf-1/Makefile' },
      { kind: 'link', name: 'igbvf-1/src/a b', target: '../Makefile' },
      { kind: 'hard-link', name: 'igbvf-1/copy', target: 'igbvf-1/Makefile' },
      { kind: 'other', name: 'igbvf-1/null' },
    ]);
  });

  const file = (name: string): Member => ({ kind: 'file', name });
  const link = (name: string, target: string): Member => ({ kind: 'link', name, target });

  test.each<[string, readonly Member[]]>([
    ['is an absolute path', [file('/etc/passwd')]],
    ['leads upwards', [file('a/../../etc/passwd')]],
    ['leads upwards', [file('..')]],
    ['neither a file, a folder nor a link', parseTarListing(listing)],
    ['neither a file, a folder nor a link', parseTarListing('nonsense')],
    [
      'neither a file, a folder nor a link',
      parseTarListing('lrwxrwxrwx 0/0 0 2026-11-17 10:07 a -> b -> /etc'),
    ],
    ['outside of the source', [link('a', '/etc')]],
    ['outside of the source', [link('a', '..')]],
    ['outside of the source', [link('a/b', '../../etc')]],
    ['outside of the source', [link('p/q/x', '../..'), link('p/q/y', 'x/../../..')]],
    ['outside of the source', [{ kind: 'hard-link', name: 'a', target: '/etc/shadow' }]],
    ['outside of the source', [{ kind: 'hard-link', name: 'a', target: '../etc/shadow' }]],
    ['lies behind a link', [link('a', 'b'), file('a/etc')]],
    ['lies behind a link', [file('./a/etc'), link('./a', './b')]],
  ])('that %s are told', (why, members) => {
    expect(unsafeMember(members)).toContain(why);
  });

  test('that stay inside are fine', () => {
    const members = [
      file('./Makefile'),
      link('src/Makefile', '../Makefile'),
      link('src/here', '.'),
      { kind: 'hard-link', name: 'b', target: 'Makefile' } as const,
      file('src/..c'),
    ];
    expect(unsafeMember(members)).toBeUndefined();
  });
});
