// Makes a Debian package of dist/ with man pages and completions, without root: sriovctl_<version>_all.deb.
// Usage: node scripts/make-deb.mjs [--out DIR]. Needs dpkg-deb, and a build in dist/.
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { loadSource } from './load-source.mjs';
import { sourceDate } from './source-date.mjs';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'release' } } });
const maintainer = 'sriovctl maintainers <sriovctl@localhost>';
const { version, description } = JSON.parse(await readFile('package.json', 'utf8'));
const { generatedDocs } = await loadSource('src/cli/generated.ts');
const { man } = await generatedDocs();

const tree = await mkdtemp(join(tmpdir(), 'sriovctl-deb-'));
const put = async (path, content, mode = 0o644) => {
  const file = join(tree, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  await chmod(file, mode);
};
const run = (program, ...args) =>
  execFileSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, SOURCE_DATE_EPOCH: String(sourceDate()) },
  });
const completion = (shell) => run(process.execPath, 'dist/sriovctl.mjs', 'completion', shell);

try {
  await chmod(tree, 0o755);
  await mkdir(join(tree, 'usr/lib'), { recursive: true });
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  await cp('dist', join(tree, 'usr/lib/sriovctl'), { recursive: true });
  await symlink('../lib/sriovctl/sriovctl.mjs', join(tree, 'usr/bin/sriovctl'));
  for (const { name, text } of man) await put(`usr/share/man/man8/${name}.gz`, compressed(text));
  await put('usr/share/bash-completion/completions/sriovctl', completion('bash'));
  await put('usr/share/zsh/vendor-completions/_sriovctl', completion('zsh'));
  await put('usr/share/fish/vendor_completions.d/sriovctl.fish', completion('fish'));
  await put(
    'usr/share/sriovctl/spec.schema.json',
    run(process.execPath, 'dist/sriovctl.mjs', 'schema'),
  );
  await put('usr/share/doc/sriovctl/README.md', await readFile('README.md'));
  await put('usr/share/doc/sriovctl/changelog.gz', compressed(debianChangelog()));
  await put('usr/share/doc/sriovctl/CHANGELOG.md.gz', compressed(await readFile('CHANGELOG.md')));
  await put('usr/share/doc/sriovctl/copyright', copyright());
  await put('DEBIAN/control', control(await installedKilobytes()));
  await put('DEBIAN/md5sums', await checksums());
  run('find', tree, '-type', 'd', '-exec', 'chmod', '755', '{}', '+');
  run('find', tree, '-exec', 'touch', '-h', '-d', `@${sourceDate()}`, '{}', '+');
  await mkdir(values.out, { recursive: true });
  const file = join(values.out, `sriovctl_${version}_all.deb`);
  run('dpkg-deb', '--root-owner-group', '-Zxz', '--build', tree, file);
  console.log(file);
} finally {
  await rm(tree, { recursive: true, force: true });
}

/** What is installed uses programs of the distribution, and Node.js 20.19 as Debian 13 has it. */
function control(kilobytes) {
  return `Package: sriovctl
Version: ${version}
Architecture: all
Maintainer: ${maintainer}
Installed-Size: ${kilobytes}
Depends: nodejs (>= 20.19~), iproute2, kmod
Recommends: pciutils
Suggests: kubectl
Section: net
Priority: optional
Description: set up SR-IOV Virtual Functions, planned and verified
 ${description.replace(/(.{1,74})(?: |$)/g, '$1\n ').trim()}
`;
}

function debianChangelog() {
  const date = new Date(sourceDate() * 1000).toUTCString().replace('GMT', '+0000');
  return `sriovctl (${version}) unstable; urgency=medium

  * What has changed is told in CHANGELOG.md.

 -- ${maintainer}  ${date}
`;
}

function copyright() {
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sriovctl

Files: *
Copyright: ${new Date(sourceDate() * 1000).getUTCFullYear()} the sriovctl maintainers
License: Apache-2.0
 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.
`;
}

/** gzip without a time and a name is the same for the same text. */
function compressed(text) {
  return gzipSync(text, { level: 9 });
}

async function installedKilobytes() {
  return run('du', '-sk', '--apparent-size', tree).split('\t')[0];
}

async function checksums() {
  const files = run('find', join(tree, 'usr'), '-type', 'f', '-printf', 'usr/%P\\n')
    .trim()
    .split('\n');
  return files
    .sort()
    .map((file) => {
      const [sum] = run('md5sum', join(tree, file)).split(' ');
      return `${sum}  ${file}\n`;
    })
    .join('');
}
