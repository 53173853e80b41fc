import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs programs in turn, several rounds, and prints the median of each beside the first: the time by the
 * clock, and that of the processors, which other work on the machine does not change.
 */
export const compare = async (title, rounds, candidates) => {
  const measured = candidates.map(() => []);
  const missing = new Set();
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const [index, { argv }] of candidates.entries()) {
      if (missing.has(index)) continue;
      const time = await timeOf(argv);
      if (time === undefined) missing.add(index);
      else measured[index].push(time);
    }
  }
  console.log(title);
  const of = (index, kind) => median(measured[index].map((time) => time[kind]));
  for (const [index, { name }] of candidates.entries()) {
    const told = (kind) =>
      `${of(index, kind).toFixed(0).padStart(7)} ms ${(of(index, kind) / of(0, kind)).toFixed(2).padStart(6)} times`;
    const line = missing.has(index)
      ? '  not installed'
      : `${told('clock')}, processors ${told('processors')}`;
    console.log(`  ${name.padEnd(26)}${line}`);
  }
};

/** `undefined` for a program that is not there. */
const timeOf = async (argv) => {
  const child = spawn(
    'bash',
    ['-c', 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null 2>&1', 'bash', ...argv],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let report = '';
  child.stderr.on('data', (data) => {
    report += data;
  });
  const [status] = await once(child, 'close');
  if (status === 127) return undefined;
  if (status !== 0) throw new Error(`${argv.join(' ')}: exit code ${status}`);
  const [real, user, system] = report
    .trim()
    .split(/\s+/)
    .map((seconds) => Number(seconds) * 1000);
  return { clock: real, processors: user + system };
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
