import { Command } from 'commander';
import { lint } from './kube/lint.ts';
import { diff, rbac, render } from './kube/objects.ts';
import { apply, teardown, verify } from './kube/stages.ts';
import { diagnosis, smokeTest } from './kube/trials.ts';
import type { Streams } from './streams.ts';

const examples = `
Examples:
  sriovctl kube render --pf enp1s0f0 --vfs 4
  sriovctl kube verify --pf enp1s0f0 --vfs 4
  sriovctl kube verify --node worker1 --config nodes.yaml`;

/** `sriovctl kube`: the Kubernetes half alone, and what only it has. */
export const kubeCommand = (streams: Streams): Command => {
  const command = new Command('kube')
    .addHelpText('after', examples)
    .summary('the Kubernetes half: render, diff, apply, verify, smoke, diagnose, teardown')
    .description(
      'Work on the objects in the cluster, and leave the host as it is. With --node NAME it works from any machine that reaches the cluster, on what is declared of that node.',
    );
  for (const make of [render, diff, apply, verify, smokeTest, diagnosis, teardown, lint, rbac]) {
    command.addCommand(make(streams));
  }
  return command;
};
