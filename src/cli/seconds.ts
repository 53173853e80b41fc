import { InvalidArgumentError } from 'commander';

/** Reads `90`, `90s` or `5m` as seconds. */
export const secondsOf = (text: string): number => {
  const [, count, unit] = /^(\d{1,5})(s|m)?$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('Write it as 90, 90s or 5m.');
  return Number(count) * (unit === 'm' ? 60 : 1);
};
