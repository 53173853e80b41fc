import type { CommandResult, HostPath, HostView } from '../host.ts';
import { readEswitch } from '../sysfs/devlink.ts';
import { moduleForVfs } from '../sysfs/module.ts';
import { netdevOf, readNetdev } from '../sysfs/netdev.ts';
import { moduleFolder, netAttribute, pciAttribute, pciDriver } from '../sysfs/paths.ts';
import { readPf } from '../sysfs/pci-device.ts';
import { readAttribute, readLinkName, readNumber } from '../sysfs/read.ts';
import { type SimulatedHost, simulateHost } from '../sysfs/simulated-host.ts';

/** What a netdev of Ethernet starts with (ETH_DATA_LEN). */
const usualMtu = '1500';

/**
 * The host as one PF will find it right after a boot, before anybody has set it up: it has its driver
 * and is down, has no VFs, and nothing that is only for VFs has been loaded. It is made from the host
 * as it is now, so it knows all that a boot does not change.
 */
export const afterBoot = async (view: HostView, pf: string): Promise<SimulatedHost> => {
  const host = simulateHost({ ...view, fs: view.fs, query: forgetfulQuery(view) });
  await resetPf(host, pf);
  const driver = await readLinkName(host.fs, pciAttribute(pf, 'driver'));
  for (const module of await modulesOfVfs(host, pf)) {
    if (module !== driver?.replaceAll('-', '_')) await unload(host, module);
  }
  return host;
};

const resetPf = async (host: SimulatedHost, pf: string): Promise<void> => {
  const { fs } = host;
  if (((await readNumber(fs, pciAttribute(pf, 'sriov_numvfs'))) ?? 0) > 0) {
    await host.perform({ kind: 'attribute', path: pciAttribute(pf, 'sriov_numvfs'), value: '0' });
  }
  await setIfOther(host, pciAttribute(pf, 'sriov_drivers_autoprobe'), '1');
  if ((await readEswitch(host, pf))?.mode === 'switchdev') {
    await host.perform({ kind: 'eswitch', address: pf, settings: { mode: 'legacy' } });
  }
  const netdev = await netdevOf(fs, pf);
  if (netdev === undefined) return;
  if ((await readNetdev(fs, netdev)).up) await host.perform({ kind: 'link', netdev, up: false });
  await setIfOther(host, netAttribute(netdev, 'mtu'), usualMtu);
};

const setIfOther = async (host: SimulatedHost, path: HostPath, value: string): Promise<void> => {
  const current = await readAttribute(host.fs, path);
  if (current === undefined || current === value) return;
  await host.perform({ kind: 'attribute', path, value });
};

/** Modules that nothing asks for before there are VFs. */
const modulesOfVfs = async (
  { fs }: SimulatedHost,
  address: string,
): Promise<ReadonlySet<string>> => {
  const pf = await readPf(fs, address);
  const module = pf && (await moduleForVfs(fs, pf));
  return new Set(['vfio_pci', ...(module === undefined ? [] : [module.replaceAll('-', '_')])]);
};

/** Built into the kernel it has no `initstate` (kernel/module/sysfs.c), and is there from the start. */
const unload = async ({ fs }: SimulatedHost, module: string): Promise<void> => {
  const folder = moduleFolder(module);
  if ((await fs.stat(`${folder}/initstate`)) === undefined) return;
  for (const name of (await fs.list(`${folder}/drivers`)) ?? []) {
    const [, driver] = /^pci:(.+)$/.exec(name) ?? [];
    if (driver !== undefined) await fs.remove(pciDriver(driver));
  }
  await fs.remove(folder);
};

/** Of what `ip` says now, the settings of VFs do not outlive a boot. */
const forgetfulQuery =
  (view: HostView): HostView['query'] =>
  async (command): Promise<CommandResult> => {
    const answer = await view.query(command);
    if (!answer.ran || command.argv[0] !== 'ip' || !answer.stdout.includes('"vfinfo_list"')) {
      return answer;
    }
    const links = JSON.parse(answer.stdout) as Readonly<Record<string, unknown>>[];
    return { ...answer, stdout: JSON.stringify(links.map(withoutVfs)) };
  };

const withoutVfs = (link: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(link).filter(([key]) => key !== 'vfinfo_list'));
