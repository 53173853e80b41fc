import { loadModule } from '../kernel/modules.ts';
import { unloadModule } from '../kernel/unload.ts';
import type { QueryModel } from './command-models.ts';
import { complained, printed } from './printed.ts';

/** `modprobe [-r] -- MODULE …`. */
export const modprobeModel: QueryModel = async ({ argv }, kernel) => {
  const names = argv.slice(1).filter((word) => !word.startsWith('-'));
  if (!argv.includes('-r')) {
    for (const name of names.slice(0, 1)) await loadModule(kernel, name);
    return printed('');
  }
  for (const name of names) {
    const complaint = await unloadModule(kernel, name);
    if (complaint !== undefined) return complained(complaint);
  }
  return printed('');
};
