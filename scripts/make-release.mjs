// Makes everything that is published, in release/: the npm package, the executable, the packages of
// distributions, the SBOM, checksums.
// Each step that can check what it made does; the build is made twice and must be the same.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { sourceDate } from './source-date.mjs';

const out = 'release';
const run = (program, ...args) =>
  execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate()) },
  });
const node = (...args) => run(process.execPath, ...args);
const say = (text) => console.log(text);

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

node('scripts/make-docs.mjs', '--check');
say('docs: as generated');

const [first, second] = [await builtHash(), await builtHash()];
if (first !== second) throw new Error('two builds of the same source differ');
say(`build: ${first} (twice)`);

run('npx', '--no-install', 'publint', '--strict');
const [packed] = JSON.parse(run('npm', 'pack', '--json', '--pack-destination', out));
say(`npm: ${packed.filename}, ${packed.entryCount} files, ${packed.size} bytes`);

const executable = await madeTwice('make-executable');
await madeTwice('make-deb', executable);
if (isInstalled('rpmbuild')) await madeTwice('make-rpm', executable);
else say('make-rpm: left out, rpmbuild is not installed');

await writeFile(join(out, 'sriovctl.cdx.json'), await sbom());
say('sbom: sriovctl.cdx.json');

const files = (await readdir(out)).sort();
const sums = await Promise.all(
  files.map(async (file) => `${await sha256(join(out, file))}  ${file}\n`),
);
await writeFile(join(out, 'SHA256SUMS'), sums.join(''));
say(sums.join('').trimEnd());

async function builtHash() {
  node('scripts/build.mjs');
  const hash = createHash('sha256');
  const names = (await readdir('dist', { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const name of names) hash.update(`${name}\0`).update(await readFile(name));
  return hash.digest('hex');
}

/** Runs a script that makes one file, and once more, which must make the same; gives the file's path. */
async function madeTwice(script, ...args) {
  const make = () => node(`scripts/${script}.mjs`, ...args, '--out', out).trim();
  const file = make();
  const hash = await sha256(file);
  if ((await sha256(make())) !== hash) throw new Error(`${script} makes another file each time`);
  say(`${script}: ${hash} (twice)`);
  return file;
}

function isInstalled(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** CycloneDX from npm's own knowledge of what is bundled, without what differs from run to run. */
async function sbom() {
  const bom = JSON.parse(
    run('npm', 'sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'),
  );
  const bundled = await bundledPackages();
  const isBundled = (ref) => bundled.has(ref);
  delete bom.serialNumber;
  bom.metadata.timestamp = new Date(sourceDate() * 1000).toISOString();
  const product = bom.metadata.component['bom-ref'];
  bom.components = bom.components
    .filter((component) => isBundled(component['bom-ref']))
    .map((component) => ({ ...component, scope: 'required' }));
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => ref === product || isBundled(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(isBundled) }));
  const missing = [...bundled].filter(
    (ref) => !bom.components.some((component) => component['bom-ref'] === ref),
  );
  if (missing.length > 0) throw new Error(`npm sbom knows nothing of ${missing.join(', ')}`);
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

/** `name@version` of all that the bundle has code of: npm's --omit dev forgets what tools use as well. */
async function bundledPackages() {
  const { metafile } = await bundle({
    outdir: 'dist',
    format: 'esm',
    metafile: true,
    write: false,
  });
  const folders = Object.keys(metafile.inputs).flatMap(
    (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [],
  );
  const refs = [...new Set(folders)].map(async (folder) => {
    const { name, version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    return `${name}@${version}`;
  });
  return new Set(await Promise.all(refs));
}

async function sha256(file) {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
