import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Kills the process that loads this when it has flushed a file (not a folder) for the $KILL_AT-th time. */
const { fsyncSync } = fs;
let left = Number(process.env.KILL_AT);
fs.fsyncSync = (file) => {
  fsyncSync(file);
  if (!fs.fstatSync(file).isFile()) return;
  left -= 1;
  if (left === 0) process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();
