import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loadSource } from './load-source.mjs';
import { sourceDate } from './source-date.mjs';

export const maintainer = 'sriovctl maintainers <sriovctl@localhost>';
export const summary = 'set up SR-IOV Virtual Functions, planned and verified';
export const { version, description } = JSON.parse(await readFile('package.json', 'utf8'));

/** Runs a program with the time that packages carry. */
export const run = (program, ...args) =>
  execFileSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate()) },
  });

/** gzip without a time and a name is the same for the same text. */
export const compressed = (text) => gzipSync(text, { level: 9 });

/**
 * What a package of a distribution installs, in a folder that is gone afterwards: the executable, man
 * pages, completions, the unit and documents, all dated alike.
 */
export const withPackageTree = async (executable, unitFolder, use) => {
  const tree = await mkdtemp(join(tmpdir(), 'sriovctl-package-'));
  const put = async (path, content, mode = 0o644) => {
    const file = join(tree, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    await chmod(file, mode);
  };
  const say = (...words) => run(executable, ...words);
  try {
    await chmod(tree, 0o755);
    await mkdir(join(tree, 'usr/bin'), { recursive: true });
    await cp(executable, join(tree, 'usr/bin/sriovctl'));
    for (const { name, text } of await manPages()) {
      await put(`usr/share/man/man8/${name}.gz`, compressed(text));
    }
    await put('usr/share/bash-completion/completions/sriovctl', say('completion', 'bash'));
    await put('usr/share/zsh/vendor-completions/_sriovctl', say('completion', 'zsh'));
    await put('usr/share/fish/vendor_completions.d/sriovctl.fish', say('completion', 'fish'));
    await put('usr/share/sriovctl/spec.schema.json', say('schema'));
    const unit = 'sriovctl-setup.service';
    await put(`${unitFolder}/${unit}`, await readFile(`packaging/${unit}`));
    await put('usr/share/doc/sriovctl/README.md', await readFile('README.md'));
    await put('usr/share/doc/sriovctl/CHANGELOG.md.gz', compressed(await readFile('CHANGELOG.md')));
    const settle = () => {
      run('find', tree, '-type', 'd', '-exec', 'chmod', '755', '{}', '+');
      run('find', tree, '-exec', 'touch', '-h', '-d', `@${sourceDate()}`, '{}', '+');
    };
    return await use({ tree, put, settle });
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
};

const manPages = async () => {
  const { generatedDocs } = await loadSource('src/cli/generated.ts');
  return (await generatedDocs()).man;
};
