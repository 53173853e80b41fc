import { objectVerb } from '../change.ts';
import { commandLine } from '../errors.ts';
import type { Action } from '../host.ts';
import { linkCommand, moduleCommand } from './commands.ts';
import { eswitchCommand } from './devlink.ts';
import { vfCommandLines } from './vf-link.ts';

/** An action in one line, as plans, progress and errors name it. */
export const describeAction = (action: Action): string => {
  switch (action.kind) {
    case 'attribute':
    case 'trigger':
      return `${action.path}: ${JSON.stringify(action.value.trim())}`;
    case 'file':
      return `write ${action.path}`;
    case 'remove':
      return `remove ${action.path}`;
    case 'module':
      return commandLine(moduleCommand(action.module));
    case 'link':
      return commandLine(linkCommand(action.netdev, action.up));
    case 'vf':
      return vfCommandLines(action)
        .map((argv) => commandLine({ argv }))
        .join('; ');
    case 'eswitch':
      return commandLine(eswitchCommand(action));
    case 'command':
    case 'regenerate':
      return commandLine(action.command);
    case 'object': {
      const { kind, metadata } = action.object;
      const name = metadata.namespace === undefined ? '' : `${metadata.namespace}/`;
      return `${verbs[objectVerb(action)] ?? 'apply'} ${kind} ${name}${metadata.name}`;
    }
  }
};

const verbs: Readonly<Record<string, string>> = { delete: 'delete', wait: 'wait for' };
