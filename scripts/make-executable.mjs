// Makes sriovctl as one executable file with Node.js inside, for hosts without it: linux x64.
// Usage: node scripts/make-executable.mjs [--out DIR]
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { inject } from 'postject';
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
  run('strip', '--strip-all', '-o', 'sriovctl', node);
  await bundle({ outfile: join(work, 'sriovctl.cjs'), format: 'cjs', target: 'node24' });
  const config = {
    main: 'sriovctl.cjs',
    output: 'sriovctl.blob',
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
  };
  await writeFile(join(work, 'sea.json'), JSON.stringify(config));
  // What V8 has compiled beforehand is the same each time only with the same seed.
  run(node, '--random-seed=1', '--experimental-sea-config', 'sea.json');
  await inject(
    join(work, 'sriovctl'),
    'NODE_SEA_BLOB',
    await readFile(join(work, 'sriovctl.blob')),
    {
      sentinelFuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2',
    },
  );
  const file = join(values.out, 'sriovctl-linux-x64');
  await rename(join(work, 'sriovctl'), file);
  console.log(file);
} finally {
  await rm(work, { recursive: true, force: true });
}
