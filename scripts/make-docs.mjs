// Writes what is generated from the code: docs/reference.md, the picture of the topology, and the
// tables and the run of the README.
// With --man DIR also the man pages. With --check it changes nothing and fails where they differ.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSource } from './load-source.mjs';

const { values } = parseArgs({ options: { check: { type: 'boolean' }, man: { type: 'string' } } });
const { generatedDocs } = await loadSource('src/cli/generated.ts');
const { reference, stages, exitCodes, run, topology, man } = await generatedDocs();

/** Replaces the table that ends at a marker. */
const withTable = (text, marker, table) => {
  const lines = text.split('\n');
  const end = lines.indexOf(`<!-- ${marker} -->`);
  if (end === -1) throw new Error(`README.md has no marker ${marker}`);
  let start = end;
  while (start > 0 && lines[start - 1].startsWith('|')) start -= 1;
  return [...lines.slice(0, start), ...table.split('\n'), ...lines.slice(end)].join('\n');
};

/** Replaces the block of code that ends at a marker. */
const withBlock = (text, marker, block) => {
  const end = text.indexOf(`\n<!-- ${marker} -->`);
  const start = text.lastIndexOf('\n```console\n', end) + 1;
  if (end === -1 || start === 0) throw new Error(`README.md has no block ${marker}`);
  return text.slice(0, start) + block + text.slice(end);
};

const readme = await readFile('README.md', 'utf8');
const wanted = {
  'docs/reference.md': reference,
  'README.md': withBlock(
    withTable(withTable(readme, 'stages', stages), 'exit-codes', exitCodes),
    'run',
    run,
  ),
  'docs/topology.svg': topology,
};
for (const [file, text] of Object.entries(wanted)) {
  const now = await readFile(file, 'utf8').catch(() => '');
  if (now === text) continue;
  if (values.check) {
    console.error(`${file} differs from the code: run node scripts/make-docs.mjs`);
    process.exitCode = 1;
  } else {
    await writeFile(file, text);
    console.error(`${file} written`);
  }
}
if (values.man !== undefined) {
  await mkdir(values.man, { recursive: true });
  for (const { name, text } of man) await writeFile(join(values.man, name), text);
}
