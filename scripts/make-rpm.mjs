// Makes an RPM package of the executable, without root: sriovctl-<version>-1.x86_64.rpm.
// Usage: node scripts/make-rpm.mjs EXECUTABLE [--out DIR]. Needs rpmbuild.
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { description, run, summary, version, withPackageTree } from './package-tree.mjs';

const {
  values: { out },
  positionals: [executable],
} = parseArgs({ options: { out: { type: 'string', default: 'release' } }, allowPositionals: true });

const name = `sriovctl-${version}-1.x86_64.rpm`;
await withPackageTree(executable, 'usr/lib/systemd/system', async ({ tree, settle }) => {
  settle();
  const top = await mkdtemp(join(tmpdir(), 'sriovctl-rpm-'));
  try {
    await writeFile(join(top, 'sriovctl.spec'), spec(tree));
    const definitions = [
      `_topdir ${top}`,
      '_buildhost localhost',
      'use_source_date_epoch_as_buildtime 1',
    ];
    const defined = definitions.flatMap((definition) => ['--define', definition]);
    run('rpmbuild', '-bb', '--quiet', '--target', 'x86_64', ...defined, join(top, 'sriovctl.spec'));
    await mkdir(out, { recursive: true });
    await copyFile(join(top, 'RPMS/x86_64', name), join(out, name));
    console.log(join(out, name));
  } finally {
    await rm(top, { recursive: true, force: true });
  }
});

/** The tree as it is: rpm's own steps would strip the executable of what Node.js looks for in it. */
function spec(tree) {
  return `%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
%global clamp_mtime_to_source_date_epoch 1
%global _binary_payload w7.zstdio
AutoReqProv: no
Name: sriovctl
Version: ${version}
Release: 1
Summary: ${summary.replace(/^s/, 'S')}
License: Apache-2.0
Requires: glibc >= 2.28, libstdc++ >= 8, libgcc, iproute, kmod
Recommends: pciutils

%description
${description}

%install
cp -a ${tree}/. %{buildroot}/

%files
/usr/bin/sriovctl
/usr/lib/systemd/system/sriovctl-setup.service
/usr/share/bash-completion/completions/sriovctl
/usr/share/zsh/vendor-completions/_sriovctl
/usr/share/fish/vendor_completions.d/sriovctl.fish
/usr/share/sriovctl
%doc /usr/share/doc/sriovctl
%doc /usr/share/man/man8/*
`;
}
