// Within a mount namespace in which a tree of sriov-tree.mjs stands for /sys.
import { existsSync } from 'node:fs';
import { compare } from './compare.mjs';
import { portsOf, vfsPerPf } from './sriov-tree.mjs';

const [cards, rounds] = process.argv.slice(2);
const pfs = portsOf(Number(cards));
const wanted = pfs.flatMap((pf) => ['--pf', pf, '--vfs', String(vfsPerPf)]);
const verify = ['verify', ...wanted, '--only', 'vfs,lspci'];
const bundle = [process.execPath, 'dist/sriovctl.mjs'];
const executable = ['release/sriovctl-linux-x64'];
const made = existsSync(executable[0]);

await compare(`${pfs.length} PFs with ${vfsPerPf} VFs each`, rounds, [
  { name: 'lspci -Dvmmnnk', argv: ['lspci', '-Dvmmnnk'] },
  { name: 'bundle list', argv: [...bundle, 'list'] },
  ...(made ? [{ name: 'executable list', argv: [...executable, 'list'] }] : []),
  { name: 'bundle verify', argv: [...bundle, ...verify] },
  ...(made ? [{ name: 'executable verify', argv: [...executable, ...verify] }] : []),
]);
await compare(`the same, slow peers`, 1, [
  { name: 'lspci -Dvmmnnk', argv: ['lspci', '-Dvmmnnk'] },
  { name: 'dpdk-devbind.py --status', argv: ['dpdk-devbind.py', '--status'] },
  { name: 'lshw -class network', argv: ['lshw', '-class', 'network', '-businfo'] },
]);
