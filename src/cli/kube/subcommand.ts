import { Command } from 'commander';
import { steps } from '../../steps/index.ts';
import { addPfFlags, addStageFlags } from '../options.ts';
import { addOutputFlags, type OutputOptions } from '../output.ts';

export const clusterSteps = steps.filter(({ scope }) => scope === 'cluster');

/** A command on the cluster stages, with the flags that all of them have. */
export const subcommand = (name: string, summary: string, output?: OutputOptions): Command =>
  addOutputFlags(addStageFlags(addPfFlags(new Command(name)), clusterSteps), output)
    .summary(summary)
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
    .addHelpText(
      'after',
      `\nExamples:\n  sriovctl kube ${name} --pf enp1s0f0 --vfs 4\n  sriovctl kube ${name} --node worker1 --pf 0000:01:00.0 --vfs 4`,
    );
