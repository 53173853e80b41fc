import type { Command } from '../host.ts';

/** The programs behind actions: what is shown in a plan is what is run. */

export const moduleCommand = (module: string): Command => ({ argv: ['modprobe', '--', module] });

export const linkCommand = (netdev: string, up: boolean): Command => ({
  argv: ['ip', 'link', 'set', 'dev', netdev, up ? 'up' : 'down'],
});
