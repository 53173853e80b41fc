import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';

/** Formats the EFI system partition and puts a GRUB there that reads /boot/grub/grub.cfg of the root file system. */
export async function installGrub({ disk, offset, size, scratch }: EspPlace): Promise<void> {
  const config = path.join(scratch, 'early-grub.cfg');
  const loader = path.join(scratch, 'BOOTX64.EFI');
  await writeFile(config, earlyConfig);
  await execa('grub-mkstandalone', [
    ...['--format=x86_64-efi', `--output=${loader}`],
    // Only these: the image is read by the firmware, and under emulation every megabyte of it is felt.
    ...[`--modules=${modules}`, '--install-modules=', '--locales=', '--fonts=', '--themes='],
    `boot/grub/grub.cfg=${config}`,
  ]);
  const partition = `${disk}@@${offset}`;
  await execa('mformat', ['-i', partition, '-F', '-T', String(size / 512), '-v', 'ESP', '::']);
  await execa('mmd', ['-i', partition, '::/EFI', '::/EFI/BOOT']);
  await execa('mcopy', ['-i', partition, loader, '::/EFI/BOOT/BOOTX64.EFI']);
}

export interface EspPlace {
  readonly disk: string;
  readonly offset: number;
  readonly size: number;
  readonly scratch: string;
}

const earlyConfig = `search --no-floppy --label rootfs --set=root
set prefix=($root)/boot/grub
configfile ($root)/boot/grub/grub.cfg
`;

/** All that a Debian grub.cfg asks for; they are built in because no grub-install puts them on the root file system. */
const modules = [
  ...['part_gpt', 'fat', 'ext2', 'gzio', 'zstd'],
  ...['search', 'search_label', 'search_fs_uuid', 'search_fs_file'],
  ...['normal', 'configfile', 'linux', 'boot', 'echo', 'test', 'true', 'loadenv', 'sleep'],
  ...[
    'all_video',
    'efi_gop',
    'gfxterm',
    'gettext',
    'font',
    'keystatus',
    'minicmd',
    'ls',
    'cat',
    'regexp',
  ],
  ...['halt', 'reboot', 'serial', 'terminal', 'probe'],
].join(' ');
