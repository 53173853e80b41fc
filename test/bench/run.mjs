// Measures start-up and listing beside peers in the same run, so that only ratios are compared.
import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const rounds = Number(process.argv[2] ?? 21);
const cli = 'dist/sriovctl.mjs';
const tree = 'fixtures/i350-t2';
const node = process.execPath;

/** Each group's first line is the peer that the others are compared with. */
const groups = [
  {
    title: 'start-up',
    candidates: [
      { name: 'node -e 0', argv: [node, '-e', '0'] },
      { name: 'sriovctl --version', argv: [node, cli, '--version'] },
      { name: 'sriovctl --help', argv: [node, cli, '--help'] },
    ],
  },
  {
    title: `list (${tree})`,
    candidates: [
      {
        name: 'lspci -Dvmmnnk',
        argv: ['lspci', '-A', 'linux-sysfs', '-O', `sysfs.path=${tree}/sys/bus/pci`, '-Dvmmnnk'],
      },
      { name: 'sriovctl list', argv: [node, cli, 'list', '--simulate', tree] },
    ],
  },
];

const once = ([program, ...args]) => {
  const start = performance.now();
  const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? stderr}`);
  return performance.now() - start;
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

for (const { title, candidates } of groups) {
  // Rounds go through all candidates in turn, so that a slow moment of the machine hits them all.
  const times = candidates.map(() => []);
  for (let round = 0; round < rounds; round++) {
    candidates.forEach(({ argv }, index) => times[index].push(once(argv)));
  }
  const medians = times.map(median);
  console.log(title);
  candidates.forEach(({ name }, index) => {
    const ratio = (medians[index] / medians[0]).toFixed(2);
    console.log(`  ${name.padEnd(24)} ${medians[index].toFixed(0).padStart(5)} ms  ${ratio} times`);
  });
}
