import type { Action } from './host.ts';

/** What a user must allow explicitly before a change is made. */
export type Permission = 'recreate' | 'force' | 'force-conflicts';

/** One change that a stage still needs, and why. */
export interface Change {
  readonly action: Action;
  /** Why it is needed, for a reader of the plan. */
  readonly reason: string;
  /**
   * What takes it back. Left out where it is derived from the state before (attributes, files);
   * 'irreversible' where nothing can or should take it back (a loaded module stays loaded).
   */
  readonly undo?: readonly Action[] | 'irreversible';
  /** What stops working while or because it is made. */
  readonly disrupts?: string;
  /** Without these permissions the run is refused before anything was written. */
  readonly requires?: Requirement | readonly Requirement[];
  readonly effective?: 'now' | 'after-reboot';
}

export interface Requirement {
  readonly permission: Permission;
  /** What stands in the way, and how to go on: the words of the refusal. */
  readonly problem: string;
  readonly hint: string;
}

/** All permissions that a change needs. */
export const requirementsOf = ({ requires = [] }: Change): readonly Requirement[] =>
  'permission' in requires ? [requires] : requires;

/** The identity of a change within a run: no change of one key is performed twice. */
export const changeKey = ({ action }: Change): string => {
  switch (action.kind) {
    case 'attribute':
    case 'trigger':
      return `${action.kind} ${action.path} ${action.value}`;
    case 'file':
    case 'remove':
      return `${action.kind} ${action.path}`;
    case 'module':
      return `module ${action.module}`;
    case 'link':
      return `link ${action.netdev} ${action.up ? 'up' : 'down'}`;
    case 'vf':
      return `vf ${action.netdev} ${JSON.stringify(action.vfs)}`;
    case 'eswitch':
      return `eswitch ${action.address} ${JSON.stringify(action.settings)}`;
    case 'object': {
      const { kind, metadata } = action.object;
      return `object ${objectVerb(action)} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
    }
    case 'command':
    case 'regenerate':
      return `${action.kind} ${action.command.argv.join('\0')}`;
  }
};

/** What is done with an object: kubectl's own word, such as `apply` or `delete`. */
export const objectVerb = ({ command }: Extract<Action, { kind: 'object' }>): string =>
  command.argv.slice(1).find((word) => !word.startsWith('-')) ?? '';
