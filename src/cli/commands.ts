import type { Command } from 'commander';
import type { Streams } from './streams.ts';

type MakeCommand = (streams: Streams) => Command;

/**
 * Every command and where it is, in the order of the help. Only the one that runs is loaded, since
 * most of the time that a short command takes is the loading of code.
 */
export const commands: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  setup: async () => (await import('./setup.ts')).setupCommand,
  plan: async () => (await import('./plan.ts')).planCommand,
  apply: async () => (await import('./apply-plan.ts')).applyCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  teardown: async () => (await import('./teardown.ts')).teardownCommand,
  try: async () => (await import('./try.ts')).tryCommand,
  confirm: async () => (await import('./try.ts')).confirmCommand,
  undo: async () => (await import('./undo.ts')).undoCommand,
  list: async () => (await import('./list.ts')).listCommand,
  show: async () => (await import('./show.ts')).showCommand,
  kube: async () => (await import('./kube.ts')).kubeCommand,
  init: async () => (await import('./init.ts')).initCommand,
  explain: async () => (await import('./explain.ts')).explainCommand,
  completion: async () => (await import('./completion.ts')).completionCommand,
  schema: async () => (await import('./schema.ts')).schemaCommand,
};
