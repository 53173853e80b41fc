import type { Command } from '../host.ts';

/** The programs behind actions: what is shown in a plan is what is run. */

export const moduleCommand = (module: string): Command => ({ argv: ['modprobe', '--', module] });

export const unloadCommand = (modules: readonly string[]): Command => ({
  argv: ['modprobe', '-r', '--', ...modules],
});

/** The modules that a command unloads; none for any other. */
export const unloadedBy = ({ argv }: Command): readonly string[] =>
  argv.slice(0, 3).join(' ') === 'modprobe -r --' ? argv.slice(3) : [];

export const linkCommand = (netdev: string, up: boolean): Command => ({
  argv: ['ip', 'link', 'set', 'dev', netdev, up ? 'up' : 'down'],
});
