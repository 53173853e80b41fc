import { execFileSync } from 'node:child_process';

/** The time that packages carry: SOURCE_DATE_EPOCH, else that of the last commit, else the epoch. */
export const sourceDate = () => {
  const given = Number(process.env.SOURCE_DATE_EPOCH);
  if (Number.isInteger(given) && given > 0) return given;
  try {
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' }));
  } catch {
    return 0;
  }
};
