import { writeFileSync } from 'node:fs';
import { linuxStage } from './linux-stage.ts';
import { record } from './record.ts';
import { scenarios } from './scenarios.ts';

/** Runs in the guest: records what its kernel does into the file that is named. */
const [file = '/dev/stdout'] = process.argv.slice(2);
writeFileSync(file, JSON.stringify(await record(linuxStage, scenarios)));
