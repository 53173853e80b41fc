import { createHash } from 'node:crypto';
import { chmod, copyFile, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { buildInto, cacheDirectory } from './cache.ts';
import { installGrub } from './image/grub.ts';
import type { Image } from './launch.ts';
import { startMachine } from './machine.ts';
import { defaultHardware } from './qemu.ts';

export interface ImageDefinition {
  readonly name: string;
  readonly suite: string;
  readonly packages: readonly string[];
}

const base = [
  'linux-image-amd64',
  'systemd-sysv',
  'udev',
  'dbus',
  'kmod',
  'iproute2',
  'ethtool',
  'pciutils',
  'procps',
  'util-linux',
  'iputils-ping',
  'zstd',
] as const;

/** Everything that scenarios like to look with. */
export const debianWithNode: ImageDefinition = {
  name: 'debian-13-node',
  suite: 'trixie',
  packages: [
    ...base,
    'nodejs',
    'grub2-common',
    'grub-efi-amd64-bin',
    'bash',
    'busybox',
    'dash',
    'jq',
    'lshw',
    'netcat-openbsd',
    'strace',
  ],
};

/** And what builds a module for its kernel, with the source of one: customise.sh keeps igbvf alone of linux-source. */
export const debianWithCompiler: ImageDefinition = {
  name: 'debian-13-compiler',
  suite: 'trixie',
  packages: [
    ...debianWithNode.packages,
    'dkms',
    'gcc',
    'linux-headers-amd64',
    'linux-source',
    'make',
  ],
};

/** Builds the image unless one made from the same ingredients is in the cache. */
export async function ensureImage(definition: ImageDefinition): Promise<Image> {
  const finished = path.join(cacheDirectory(), `${definition.name}-${await hashOf(definition)}`);
  await buildInto(finished, async (building) => build(definition, building));
  return imageIn(finished);
}

const imageFiles = path.join(import.meta.dirname, 'image');

const imageIn = (directory: string): Image => ({
  disk: path.join(directory, 'disk.raw'),
  kernel: path.join(directory, 'vmlinuz'),
  initrd: path.join(directory, 'initrd.img'),
});

/** Covers the definition, this file and every file under image/ with its mode: all that determines the result. */
async function hashOf(definition: ImageDefinition): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(definition));
  for (const file of [import.meta.filename, ...(await filesBelow(imageFiles))]) {
    const executable = ((await stat(file)).mode & 0o100) !== 0;
    hash.update(`\0${path.relative(imageFiles, file)}\0${executable}\0`);
    hash.update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

async function build(definition: ImageDefinition, building: string): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('Building the image takes root');
  const root = path.join(building, 'root');
  await installSystem(definition, building, root);
  const image = imageIn(building);
  await copyBootFiles(root, image);
  await makeDisk(root, image.disk, building);
  await rm(root, { recursive: true });
  await bootOnce(image);
}

async function installSystem(definition: ImageDefinition, building: string, root: string) {
  const files = path.join(building, 'files.tar');
  // As root's own and readable, whatever umask and owner the checkout has.
  const asRoot = ['--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
  await execa('tar', [...asRoot, '-cf', files, '-C', path.join(imageFiles, 'files'), '.']);
  await execa('mmdebstrap', [
    '--variant=minbase',
    `--include=${definition.packages.join(',')}`,
    // Before the kernel package builds its initrd, so that the initrd follows our configuration.
    `--essential-hook=tar-in '${files}' /`,
    `--customize-hook=copy-in '${path.join(imageFiles, 'customise.sh')}' /tmp`,
    '--customize-hook=chroot "$1" sh /tmp/customise.sh',
    '--customize-hook=rm "$1/tmp/customise.sh"',
    definition.suite,
    root,
  ]);
}

async function copyBootFiles(root: string, image: Image): Promise<void> {
  const boot = path.join(root, 'boot');
  const names = await readdir(boot);
  for (const [prefix, target] of [
    ['vmlinuz-', image.kernel],
    ['initrd.img-', image.initrd],
  ] as const) {
    const name = names.find((candidate) => candidate.startsWith(prefix));
    if (name === undefined)
      throw new Error(`The image has no /boot/${prefix}*: no kernel package?`);
    await copyFile(path.join(boot, name), target);
    await chmod(target, 0o644);
  }
}

const MiB = 1024 * 1024;
const espStart = 1 * MiB;
const espSize = 64 * MiB;
const rootStart = espStart + espSize;
const rootSize = 3072 * MiB;

/** Writes both file systems at their place in the disk, so that no loop device is needed. */
async function makeDisk(root: string, disk: string, scratch: string): Promise<void> {
  await execa('truncate', ['-s', String(rootStart + rootSize + MiB), disk]);
  await execa('sgdisk', [
    ...['--new=1:1M:+64M', '--typecode=1:ef00', '--change-name=1:ESP'],
    ...[`--new=2:65M:+${rootSize / MiB}M`, '--typecode=2:8300', '--change-name=2:root'],
    disk,
  ]);
  await installGrub({ disk, offset: espStart, size: espSize, scratch });
  await execa('mke2fs', [
    ...['-q', '-F', '-t', 'ext4', '-L', 'rootfs', '-d', root],
    ...['-E', `offset=${rootStart}`, disk, `${rootSize / 1024}k`],
  ]);
}

/** Lets systemd do what it does on a first boot and GRUB write its real configuration, once for all guests. */
async function bootOnce(image: Image): Promise<void> {
  await using machine = await startMachine({
    image,
    hardware: defaultHardware,
    writeToImage: true,
  });
  await machine.sh('! command -v update-grub || update-grub');
  await machine.powerOff();
}
