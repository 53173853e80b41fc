// Measures start-up, and looking at hosts with many VFs, beside peers in the same run, so that only
// ratios are compared. Usage: npm run bench [-- ROUNDS]; as root also the large hosts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare } from './compare.mjs';
import { makeSriovTree } from './sriov-tree.mjs';

const rounds = process.argv[2] ?? '11';
const node = process.execPath;
const bundle = [node, 'dist/sriovctl.mjs'];
const executable = ['release/sriovctl-linux-x64'];
const made = existsSync(executable[0]);

await compare('start-up', rounds, [
  { name: 'node -e 0', argv: [node, '-e', '0'] },
  { name: 'bundle --version', argv: [...bundle, '--version'] },
  { name: 'bundle --help', argv: [...bundle, '--help'] },
  ...(made ? [{ name: 'executable --version', argv: [...executable, '--version'] }] : []),
  ...(made ? [{ name: 'executable --help', argv: [...executable, '--help'] }] : []),
  { name: 'kubectl version --client', argv: ['kubectl', 'version', '--client'] },
  { name: 'lspci', argv: ['lspci'] },
]);

// The trees stand in for /sys in a mount namespace, so that every program looks at them by itself.
if (process.getuid?.() === 0) {
  for (const cards of [4, 16]) {
    const tree = mkdtempSync(join(tmpdir(), 'sriovctl-bench-'));
    try {
      makeSriovTree(tree, cards);
      const within = [node, 'test/bench/large-host.mjs', String(cards), rounds];
      const script = 'mount --bind "$0/sys" /sys && exec "$@"';
      const { status } = spawnSync('unshare', ['-m', 'sh', '-c', script, tree, ...within], {
        stdio: 'inherit',
      });
      if (status !== 0) process.exitCode = 1;
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  }
} else console.log('large hosts: left out, only root may mount a tree over /sys');
