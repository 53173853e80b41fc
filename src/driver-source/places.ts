import type { HostPath } from '../host.ts';

/** Every path that a driver built from source has to do with is spelled here. */

/** All that is ours but the installed modules: the record, the copy of the source and what is built in it. */
export const sourceFolder: HostPath = '/var/lib/sriovctl/driver-source';
export const recordPath: HostPath = `${sourceFolder}/record.json`;
export const copyFolder: HostPath = `${sourceFolder}/source`;
/** Holds the fingerprint of the source once all of it has been copied. */
export const copiedPath: HostPath = `${sourceFolder}/copied`;

export const modulesOfRelease = (release: string): HostPath => `/lib/modules/${release}`;

/** The headers of a kernel, with the Makefile that builds modules for it. */
export const kernelBuild = (release: string): HostPath => `${modulesOfRelease(release)}/build`;

/** depmod(8) prefers `updates` to the kernel's own modules on every distribution. */
export const updatesFolder = (release: string): HostPath => `${modulesOfRelease(release)}/updates`;

export const installedPath = (release: string, module: string): HostPath =>
  `${updatesFolder(release)}/${module}.ko`;

export const dkmsTree = (name: string): HostPath => `/var/lib/dkms/${name}`;

export const dkmsSource = ({ name, version }: { name: string; version: string }): HostPath =>
  `/usr/src/${name}-${version}`;

/** The key that DKMS signs with, where the distribution lets it. */
export const dkmsKey: HostPath = '/var/lib/dkms/mok.pub';
