import type { CommandResult, HostFs, HostPath } from '../host.ts';
import { Overlay } from '../sysfs/overlay.ts';
import type { CommandModel } from '../sysfs/simulated-host.ts';
import { madeBySriovctl } from './boot-script.ts';

const units: HostPath = '/etc/systemd/system';

/** systemctl(1) as far as it is used here: enabling makes a link, which is all that a boot looks at. */
const systemctl: CommandModel = async ({ argv }, fs) => {
  const verb = argv[1] ?? '';
  const names = argv.slice(2).filter((word) => !word.startsWith('-'));
  switch (verb) {
    case 'daemon-reload':
      return [];
    case 'enable':
      for (const name of names) await enable(fs, name);
      return [];
    case 'disable':
      for (const name of names) await disable(fs, name);
      return [];
    case 'show':
      return show(fs, names[0] ?? '');
    case 'reset-failed':
      forgotten.add(fs);
      return [];
    case 'list-units':
      return forgotten.has(fs) ? { ran: true, exitCode: 0, stdout: '', stderr: '' } : undefined;
    default:
      return undefined;
  }
};

/** Hosts on which the failures of units are forgotten: systemd keeps them in no file. */
const forgotten = new WeakSet<HostFs>();

/** Reading rules again shows nothing; `settle` is the kernel model's. */
const udevadm: CommandModel = ({ argv }) => Promise.resolve(argv[1] === 'control' ? [] : undefined);

/** Models of what makes a change for the next boot take hold, for simulated hosts. */
export const persistModels: Readonly<Record<string, CommandModel>> = { systemctl, udevadm };

const enable = async (fs: HostFs, name: string): Promise<void> => {
  for (const link of await wantedBy(fs, name)) {
    if (fs instanceof Overlay) await fs.setLink(link, `${units}/${name}`);
  }
};

/** An emptied folder goes too (remove_marked_symlinks in systemd's src/shared/install.c). */
const disable = async (fs: HostFs, name: string): Promise<void> => {
  for (const link of await wantedBy(fs, name)) {
    if (!(fs instanceof Overlay) || (await fs.stat(link)) === undefined) continue;
    await fs.remove(link);
    const folder = link.slice(0, link.lastIndexOf('/')) as HostPath;
    if ((await fs.list(folder))?.length === 0) await fs.remove(folder);
  }
};

const wantedBy = async (fs: HostFs, name: string): Promise<readonly HostPath[]> => {
  const text = (await fs.readText(`${units}/${name}`)) ?? '';
  const targets = /^WantedBy=(.*)$/m.exec(text)?.[1] ?? '';
  return targets
    .split(' ')
    .filter(Boolean)
    .map((target): HostPath => `${units}/${target}.wants/${name}`);
};

/** Only of our own units it is known what systemd will say; others are for the host below. */
const show = async (fs: HostFs, name: string): Promise<CommandResult | undefined> => {
  if (!name.startsWith('sriovctl-')) return undefined;
  const text = await fs.readText(`${units}/${name}`);
  const loaded = text?.includes(madeBySriovctl) === true ? 'loaded' : 'not-found';
  const stdout = `LoadState=${loaded}\nNeedDaemonReload=no\n`;
  return { ran: true, exitCode: 0, stdout, stderr: '' };
};
