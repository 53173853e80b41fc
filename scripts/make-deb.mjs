// Makes a Debian package of the executable, without root: sriovctl_<version>_amd64.deb.
// Usage: node scripts/make-deb.mjs EXECUTABLE [--out DIR]. Needs dpkg-deb.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  compressed,
  description,
  maintainer,
  run,
  summary,
  version,
  withPackageTree,
} from './package-tree.mjs';
import { sourceDate } from './source-date.mjs';

const {
  values: { out },
  positionals: [executable],
} = parseArgs({ options: { out: { type: 'string', default: 'release' } }, allowPositionals: true });

await withPackageTree(executable, 'usr/lib/systemd/system', async ({ tree, put, settle }) => {
  await put('usr/share/doc/sriovctl/changelog.gz', compressed(debianChangelog()));
  await put('usr/share/doc/sriovctl/copyright', await copyright());
  await put('DEBIAN/control', control(run('du', '-sk', '--apparent-size', tree).split('\t')[0]));
  await put('DEBIAN/md5sums', checksums(tree));
  settle();
  await mkdir(out, { recursive: true });
  const file = join(out, `sriovctl_${version}_amd64.deb`);
  // zstd takes a fraction of the time of xz, to make and to install; dpkg reads it since Debian 12.
  run('dpkg-deb', '--root-owner-group', '-Zzstd', '-z10', '--build', tree, file);
  console.log(file);
});

/** The executable needs no Node.js: the libraries are those that it is linked with. */
function control(kilobytes) {
  return `Package: sriovctl
Version: ${version}
Architecture: amd64
Maintainer: ${maintainer}
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.28), libstdc++6 (>= 8), libgcc-s1, iproute2, kmod
Recommends: pciutils
Suggests: kubectl
Section: net
Priority: optional
Description: ${summary}
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

function checksums(tree) {
  return run('find', join(tree, 'usr'), '-type', 'f', '-printf', 'usr/%P\\n')
    .trim()
    .split('\n')
    .sort()
    .map((file) => `${run('md5sum', join(tree, file)).split(' ')[0]}  ${file}\n`)
    .join('');
}
