import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Permission } from '../../src/change.ts';
import { driverSourceModels } from '../../src/driver-source/models.ts';
import { sourceFolder } from '../../src/driver-source/places.ts';
import { apply } from '../../src/engine/apply.ts';
import { noJournal } from '../../src/engine/journal.ts';
import type { Run, RunResult } from '../../src/engine/run.ts';
import { verify } from '../../src/engine/verify.ts';
import { HostError } from '../../src/errors.ts';
import type { Host, HostPath } from '../../src/host.ts';
import type { ResolvedSpec } from '../../src/resolved-spec.ts';
import { driver } from '../../src/steps/driver.ts';
import { driverSource } from '../../src/steps/driver-source.ts';
import { vfs } from '../../src/steps/vfs.ts';
import { describeAction } from '../../src/sysfs/describe-action.ts';
import { installedModuleFile } from '../../src/sysfs/module-state.ts';
import { readPf } from '../../src/sysfs/pci-device.ts';
import { type SimulatedHost, simulateHost } from '../../src/sysfs/simulated-host.ts';
import { treeView } from '../../src/sysfs/tree-fs.ts';
import { failingHost } from '../engine/failing-host.ts';

const tree = join(import.meta.dirname, '../../fixtures/82576-qemu');
const release = '6.12.118+deb13-amd64';
const modules: HostPath = `/lib/modules/${release}`;
const source: HostPath = '/root/igbvf';
const address = '0000:01:00.0';

const inTree: Readonly<Record<string, string>> = {
  igb: 'kernel/drivers/net/ethernet/intel/igb/igb.ko.xz',
  igbvf: 'kernel/drivers/net/ethernet/intel/igbvf/igbvf.ko.xz',
};

const sourceFiles: Readonly<Record<string, string>> = {
  Makefile: 'obj-$(CONFIG_IGBVF) += igbvf.o\n\nigbvf-y := vf.o \\\n\tnetdev.o\n',
  'vf.c': 'int vf;\n',
  'netdev.c': 'int netdev;\n',
};

/** The captured host with what a build takes. */
const hostWith = async (files: Readonly<Record<string, string>>): Promise<SimulatedHost> => {
  const host = simulateHost(treeView(tree), { models: driverSourceModels });
  await host.fs.plant(source, { folder: files });
  await host.fs.plant(`${modules}/build/Makefile`, '');
  await host.fs.plant(`${modules}/modules.order`, `${Object.values(inTree).join('\n')}\n`);
  for (const program of ['make', 'gcc-14']) await host.fs.plant(`/usr/bin/${program}`, '');
  return host;
};

let host: SimulatedHost;
beforeEach(async () => {
  host = await hostWith(sourceFiles);
});

const plainSpec = (count: number): ResolvedSpec => ({
  pfs: [{ address, selector: 'enp1s0f0', vfs: count }],
  iommu: 'auto',
  kube: { mode: 'off', namespace: 'kube-system', resourcePrefix: 'sriovctl.io' },
});

const runOn = (
  direction: Run['direction'],
  count: number,
  permissions: readonly Permission[] = [],
  on: Host = host,
): Run => {
  const steps = [driverSource, driver, vfs];
  return {
    steps: direction === 'setup' ? steps : steps.toReversed(),
    spec: { ...plainSpec(count), driverSource: source },
    host: on,
    direction,
    permissions: new Set(permissions),
    journal: noJournal,
    listener: () => undefined,
  };
};

const setup = (count = 2, permissions: readonly Permission[] = []): Promise<RunResult> =>
  apply(runOn('setup', count, permissions));

const madeBy = ({ steps }: RunResult): readonly string[] =>
  steps.flatMap(({ changes }) => changes.map(({ change }) => describeAction(change.action)));
const problemsOf = ({ steps }: RunResult) => steps.flatMap(({ problems }) => problems);

const loadedBuild = (module: string) => host.fs.readText(`/sys/module/${module}/srcversion`);

describe('a driver built from source', () => {
  test('is built in a copy, installed before the own one of the kernel, and loaded', async () => {
    const result = await setup();

    expect(problemsOf(result)).toEqual([]);
    expect(madeBy(result).slice(0, 6)).toEqual([
      `write ${sourceFolder}/record.json`,
      `cp -RT --preserve=mode,timestamps -- ${source} ${sourceFolder}/source`,
      `write ${sourceFolder}/copied`,
      `make -j1 -C ${modules}/build M=${sourceFolder}/source CONFIG_MODULE_SRCVERSION_ALL=y clean modules`,
      `install -D -m 0644 -- ${sourceFolder}/source/igbvf.ko ${modules}/updates/igbvf.ko`,
      `depmod ${release}`,
    ]);
    expect(await installedModuleFile(host.fs, 'igbvf')).toBe('updates/igbvf.ko');
    expect(await loadedBuild('igbvf')).toMatch(/^[0-9A-F]{23}\n$/);
    expect((await readPf(host.fs, address))?.vfs.map((vf) => vf.driver)).toEqual([
      'igbvf',
      'igbvf',
    ]);
    expect(host.unmodelled).toEqual([]);
  });

  test('is nothing to do the second time, and verify agrees', async () => {
    await setup();
    expect((await setup()).outcome).toBe('in-sync');
    expect((await verify(runOn('setup', 2))).outcome).toBe('in-sync');
  });

  test('is built again when its source has changed', async () => {
    await setup(0);
    const before = await loadedBuild('igbvf');
    await host.fs.writeFile(`${source}/vf.c`, 'int changed;\n');

    const again = await setup(0);

    expect(problemsOf(again)).toEqual([]);
    expect(await loadedBuild('igbvf')).not.toBe(before);
  });

  test('goes with a teardown, and the own one of the kernel is back', async () => {
    await setup();
    const teardown = await apply(runOn('teardown', 0));

    expect(problemsOf(teardown)).toEqual([]);
    expect(await host.fs.stat(sourceFolder)).toBeUndefined();
    expect(await host.fs.stat(`${modules}/updates`)).toBeUndefined();
    expect(await installedModuleFile(host.fs, 'igbvf')).toBe(inTree['igbvf']);
    expect(await host.fs.stat('/sys/module/igbvf')).toBeDefined();
    expect(await loadedBuild('igbvf')).toBeUndefined();
    expect((await apply(runOn('teardown', 0))).outcome).toBe('in-sync');
  });
});

/** What a rollback has to bring back, and a refusal to leave alone. */
const moduleState = async () => ({
  dep: await host.fs.readText(`${modules}/modules.dep`),
  updates: await host.fs.stat(`${modules}/updates`),
  ours: await host.fs.stat(sourceFolder),
  dkms: [await host.fs.stat('/var/lib/dkms/igbvf'), await host.fs.stat('/usr/src/igbvf-1')],
  loaded: [await loadedBuild('igb'), await loadedBuild('igbvf')],
  drivers: (await readPf(host.fs, address))?.vfs.map((vf) => vf.driver),
});

describe('what stands in the way is told before anything is done', () => {
  const dep: HostPath = `${modules}/modules.dep`;
  const replaced = async (path: HostPath, from: string, to: string): Promise<void> =>
    host.fs.writeFile(path, ((await host.fs.readText(path)) ?? '').replace(from, to));

  test.each<[string, string, () => Promise<unknown>]>([
    ['kernel-headers', `linux-headers-${release}`, () => host.fs.remove(`${modules}/build`)],
    ['build-tools', 'build-essential', () => host.fs.remove('/usr/bin/make')],
    ['build-tools', 'a C compiler', () => host.fs.remove('/usr/bin/gcc-14')],
    ['driver-source-usable', `there is no ${source}`, () => host.fs.remove(source)],
    ['driver-source-usable', 'no Makefile', () => host.fs.remove(`${source}/Makefile`)],
    ['driver-source-usable', 'outside', () => host.fs.setLink(`${source}/a`, '/etc/shadow')],
    [
      'driver-source-usable',
      'DKMS is not installed',
      async () => {
        await host.fs.remove(`${source}/Makefile`);
        await host.fs.writeFile(`${source}/dkms.conf`, dkmsConf);
      },
    ],
    [
      'driver-source-drives',
      'builds ice',
      () => host.fs.writeFile(`${source}/Makefile`, 'obj-m += ice.o\n'),
    ],
    [
      'module-signature',
      'Secure Boot',
      () => host.fs.plant('/sys/module/module/parameters/sig_enforce', 'Y\n'),
    ],
    [
      'module-places',
      `${modules}/updates/dkms/igbvf.ko`,
      () => replaced(dep, `${inTree['igbvf'] ?? ''}:`, 'updates/dkms/igbvf.ko:'),
    ],
    [
      'module-places',
      'built into',
      () => host.fs.plant(`${modules}/modules.builtin`, 'a/igbvf.ko\n'),
    ],
    [
      'module-holders',
      'other_module',
      () => host.fs.plant('/sys/module/igbvf/holders/other_module', ''),
    ],
  ])('%s: %s', async (id, words, spoil) => {
    await spoil();
    const before = await moduleState();

    const result = await setup();

    expect(result.outcome).toBe('refused');
    const [problem] = problemsOf(result);
    expect(problem?.code).toBe(id);
    expect(`${problem?.problem ?? ''} ${problem?.hint ?? ''}`).toContain(words);
    expect(await moduleState()).toEqual(before);
  });

  test('a source with other modules than the one before', async () => {
    await setup(0);
    await host.fs.writeFile(`${source}/Makefile`, 'obj-m += igbvf.o more.o\n');
    expect(problemsOf(await setup(0))[0]?.hint).toContain('teardown --only driver-source');
  });

  test('a tarball that nobody has recorded the members of is a skip', async () => {
    await host.fs.remove(source);
    await host.fs.plant(source, '');
    const { steps } = await setup();
    expect(steps[0]).toMatchObject({ status: 'skipped', step: { id: 'driver-source' } });
  });

  test('nothing is said of it where nobody asked for it', async () => {
    const { steps } = await apply({ ...runOn('setup', 2), spec: plainSpec(2) });
    expect(steps.map(({ step }) => step.id)).toEqual(['driver', 'vfs']);
  });
});

describe('a reload', () => {
  const portSource = () => host.fs.writeFile(`${source}/Makefile`, 'obj-m := igb.o\n');
  const codes = (result: RunResult) => problemsOf(result).map(({ code }) => code);

  test('of the driver of a PF waits for --recreate where there are VFs, and makes them again', async () => {
    await apply({ ...runOn('setup', 2), steps: [driver, vfs] });
    await host.wait(5_000);
    await portSource();

    await host.fs.plant('/usr/sbin/update-initramfs', '');

    expect(codes(await setup())).toEqual(['NEEDS_RECREATE']);
    const result = await setup(2, ['recreate']);

    expect(problemsOf(result)).toEqual([]);
    expect(await loadedBuild('igb')).toMatch(/^[0-9A-F]{23}\n$/);
    expect(madeBy(result)).toContain(`/usr/sbin/update-initramfs -u -k ${release}`);
    expect((await readPf(host.fs, address))?.netdev).toBe('enp1s0f0');
    expect((await readPf(host.fs, address))?.vfs.map((vf) => vf.driver)).toEqual([
      'igbvf',
      'igbvf',
    ]);
  });

  test('of the driver of a PF with the default route waits for --force, and says what is cut', async () => {
    await portSource();
    await host.fs.plant(
      '/proc/net/route',
      'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n' +
        'enp1s0f0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n',
    );

    const refused = await setup();
    expect(codes(refused)).toEqual(['NEEDS_FORCE']);
    expect(problemsOf(refused)[0]?.problem).toContain('enp1s0f0 carries the default route');
    expect(problemsOf(await setup(2, ['force']))).toEqual([]);
  });

  test('of the driver of VFs waits for those who use them', async () => {
    await apply({ ...runOn('setup', 2), steps: [driver, vfs] });
    await host.wait(5_000);
    await host.fs.plant('/sys/class/net/br0', { folder: { ifindex: '99\n' } });
    await host.fs.setLink('/sys/class/net/enp1s0f0v1/master', '../br0');

    const refused = await setup();
    expect(codes(refused)).toEqual(['NEEDS_FORCE']);
    expect(problemsOf(refused)[0]?.problem).toContain('br0');
  });
});

const dkmsConf = 'PACKAGE_NAME="igbvf"\nPACKAGE_VERSION="1"\nBUILT_MODULE_NAME[0]="igbvf"\n';

test('nothing that a build takes is missed once it has been made', async () => {
  await setup(0);
  await host.fs.remove(`${modules}/build`);
  await host.fs.remove('/usr/bin/make');
  await host.fs.plant('/sys/module/igbvf/holders/other_module', '');
  expect((await setup(0)).outcome).toBe('in-sync');
});

test('a rollback leaves VFs to those who have got them meanwhile', async () => {
  const vf = '0000:01:10.2';
  const pods = [{ PodUID: 'u1', ResourceName: 'sriovctl.io/igb', DeviceIDs: { '-1': [vf] } }];
  const taking: Host = Object.create(host, {
    perform: {
      value: async (action: Parameters<Host['perform']>[0]) => {
        await host.perform(action);
        if (action.kind !== 'attribute' || action.value !== '2') return;
        await host.fs.plant(
          '/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint',
          JSON.stringify({ Data: { PodDeviceEntries: pods } }),
        );
        throw new HostError('EIO', action.path, 'injected');
      },
    },
  }) as Host;

  const result = await apply(runOn('setup', 2, [], taking));

  expect(result.outcome).toBe('rollback-incomplete');
  expect(result.leftover.join('\n')).toMatch(/^modprobe -r -- igbvf: not tried, .*u1/m);
  expect((await readPf(host.fs, address))?.vfs.map(({ driver: name }) => name)).toEqual([
    'igbvf',
    'igbvf',
  ]);
});

describe('with DKMS', () => {
  beforeEach(async () => {
    host = await hostWith({ ...sourceFiles, 'dkms.conf': dkmsConf });
    await host.fs.plant('/usr/sbin/dkms', '');
  });

  test('a source that has a dkms.conf is given to it, and taken from it again', async () => {
    const before = await moduleState();
    const result = await setup(0);

    expect(problemsOf(result)).toEqual([]);
    expect(madeBy(result).filter((line) => line.startsWith('dkms'))).toEqual([
      'dkms add -m igbvf -v 1',
      `dkms build -m igbvf -v 1 -k ${release}`,
      `dkms install -m igbvf -v 1 -k ${release} --force`,
    ]);
    expect(await loadedBuild('igbvf')).toMatch(/^[0-9A-F]{23}\n$/);
    expect((await setup(0)).outcome).toBe('in-sync');

    const teardown = await apply(runOn('teardown', 0));
    expect(problemsOf(teardown)).toEqual([]);
    expect(await moduleState()).toEqual(before);
  });

  test('Secure Boot is no obstacle where its key is enrolled', async () => {
    await host.fs.plant('/sys/module/module/parameters/sig_enforce', 'Y\n');
    expect(problemsOf(await setup(0))[0]?.hint).toContain('mokutil --import');
    await host.fs.plant('/var/lib/dkms/mok.pub', '');
    const mokutil = async () => ({
      ran: true as const,
      exitCode: 1,
      stdout: '/var/lib/dkms/mok.pub is already enrolled\n',
      stderr: '',
    });
    const trusting: Host = Object.create(host, {
      query: {
        value: (command: Parameters<Host['query']>[0]) =>
          command.argv[0] === 'mokutil' ? mokutil() : host.query(command),
      },
    }) as Host;
    expect(problemsOf(await apply(runOn('setup', 0, [], trusting)))).toEqual([]);
  });
});

describe('a run that fails', () => {
  test.each(['', dkmsConf])('at any of its changes leaves nothing behind (%j)', async (conf) => {
    const fresh = async () => {
      host = await hostWith({ ...sourceFiles, ...(conf !== '' && { 'dkms.conf': conf }) });
      if (conf !== '') await host.fs.plant('/usr/sbin/dkms', '');
      await host.fs.mkdir('/var/lib/sriovctl/runs');
    };
    await fresh();
    const count = madeBy(await setup(0)).length;
    expect(count).toBeGreaterThan(7);

    for (let at = 0; at < count; at++) {
      await fresh();
      const before = await moduleState();
      const failed = await apply(runOn('setup', 0, [], failingHost(host, new Set([at]))));
      expect(failed.outcome, `at ${at}`).toBe('rolled-back');
      expect(await moduleState(), `at ${at}`).toEqual(before);
    }
  });

  test('tells what the compiler said', async () => {
    const failing: Host = Object.create(host, {
      perform: {
        value: async (action: Parameters<Host['perform']>[0]) => {
          if (action.kind !== 'command' || action.command.argv[0] !== 'make') {
            return host.perform(action);
          }
          const error = new HostError('EXIT', 'make', 'exit code 2');
          error.output = 'CC [M] vf.o\nvf.c:1:1: error: unknown type name\nmake: *** Error 2';
          throw error;
        },
      },
    }) as Host;
    const [problem] = problemsOf(await apply(runOn('setup', 0, [], failing)));
    expect(problem?.code).toBe('DRIVER_NOT_BUILT');
    expect(problem?.problem).toContain('vf.c:1:1: error: unknown type name');
  });
});
