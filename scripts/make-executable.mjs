// Makes sriovctl as one executable file with Node.js inside, for hosts without it: linux x64.
// Usage: node scripts/make-executable.mjs [--out DIR]
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.mjs';
import { nodeRuntime } from './node-runtime.mjs';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'release' } } });

await mkdir(values.out, { recursive: true });
const work = await mkdtemp(resolve('node_modules/.sriovctl-executable-'));
/** From the folder itself, since the names of files go into the executable. */
const run = (program, ...args) =>
  execFileSync(program, args, { cwd: work, stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const node = await nodeRuntime();
  // A fifth of it are names that only a debugger asks for.
  run('strip', '--strip-all', '-o', 'node', node);
  await bundle({ outfile: join(work, 'sriovctl.cjs'), format: 'cjs', target: 'node26' });
  const config = {
    main: 'sriovctl.cjs',
    executable: 'node',
    output: 'sriovctl',
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
  };
  await writeFile(join(work, 'sea.json'), JSON.stringify(config));
  // What V8 has compiled beforehand is the same each time only with the same seed.
  run(node, '--random-seed=1', '--build-sea', 'sea.json');
  const file = join(values.out, 'sriovctl-linux-x64');
  await rename(join(work, 'sriovctl'), file);
  console.log(file);
} finally {
  await rm(work, { recursive: true, force: true });
}
