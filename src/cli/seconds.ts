import { InvalidArgumentError } from 'commander';

/** Reads `90`, `90s` or `5m` as seconds, of which there is at least one. */
export const secondsOf = (text: string): number => {
  const [, count, unit] = /^(\d{1,5})(s|m)?$/.exec(text) ?? [];
  if (count === undefined || Number(count) === 0)
    throw new InvalidArgumentError('It is a time such as 90, 90s or 5m.');
  return Number(count) * (unit === 'm' ? 60 : 1);
};
