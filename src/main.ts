#!/usr/bin/env node
import { version } from './version.ts';

// A function, since the executable is bundled as CommonJS, which has no await outside of one.
const run = async (): Promise<void> => {
  // The version is all that a caller in a loop asks for; nothing else is loaded for it.
  if (process.argv[2] === '--version' || process.argv[2] === '-V') {
    process.stdout.write(`${version}\n`);
    return;
  }
  const { main } = await import('./cli/program.ts');
  process.exitCode = await main(process.argv.slice(2));
};

void run();
