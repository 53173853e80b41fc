import { realpathSync } from 'node:fs';
import { isSea } from 'node:sea';

/** What starts this program again, wherever from: the executable is one file, the bundle needs Node.js. */
export const ownCommand = (): readonly [program: string, ...args: string[]] => {
  const [, bundle] = process.argv;
  return isSea() || bundle === undefined
    ? [process.execPath]
    : [process.execPath, realpathSync(bundle)];
};
