import { posix } from 'node:path';
import type { HostPath } from '../../host.ts';
import { fieldLines, moduleFileFields } from '../kernel/module-file.ts';
import { modulesFolder } from '../module.ts';
import type { QueryModel } from './command-models.ts';
import { complained, printed } from './printed.ts';

/** `modinfo [-F FIELD] MODULE`, or of a file that a simulation has built, from what depmod(8) wrote; a real host's own answer says more. */
export const modinfoModel: QueryModel = async (command, { fs }, base) => {
  const path = command.argv.at(-1) ?? '';
  const built = path.startsWith('/') && (await moduleFileFields(fs, path as HostPath));
  if (built) return printed(fieldLines(built));
  const answer = await base.query(command);
  if (answer.ran) return answer;
  const { field, module } = parseArguments(command.argv.slice(1));
  const folder = await modulesFolder(fs);
  const dep = await fs.readText(`${folder}/modules.dep`);
  if (module === undefined || dep === undefined) return undefined;
  const name = module.replaceAll('-', '_');
  const line = dep.split('\n').find((each) => nameOf(each.split(':')[0] ?? '') === name);
  if (line === undefined) return complained(`modinfo: ERROR: Module ${module} not found.`);
  const [file = '', needed = ''] = line.split(':');
  const aliases = (await fs.readText(`${folder}/modules.alias`)) ?? '';
  const fields: readonly (readonly [string, string])[] = [
    ['filename', `${folder}/${file}`],
    ...[...aliases.matchAll(new RegExp(`^alias (\\S+) ${name}$`, 'gm'))].map(
      ([, pattern = '']) => ['alias', pattern] as const,
    ),
    ['depends', needed.split(' ').filter(Boolean).map(nameOf).join(',')],
    ['name', name],
  ];
  const lines = fields.flatMap(([key, value]) => {
    if (field === undefined) return [`${`${key}:`.padEnd(16)}${value}\n`];
    return field === key ? [`${value}\n`] : [];
  });
  return printed(lines.join(''));
};

const parseArguments = (
  args: readonly string[],
): { readonly field: string | undefined; readonly module: string | undefined } => {
  const flag = args.findIndex((arg) => arg === '-F' || arg === '--field');
  if (flag === -1) return { field: undefined, module: args.at(-1) };
  return { field: args[flag + 1], module: args[flag + 2] ?? args[flag - 1] };
};

const nameOf = (file: string): string =>
  posix
    .basename(file)
    .replace(/\.ko(?:\.\w+)?$/, '')
    .replaceAll('-', '_');
