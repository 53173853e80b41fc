import { writeFileSync } from 'node:fs';
import { linuxStage } from './linux-stage.ts';
import { observe } from './observe.ts';

/** Runs in the guest: writes what is to be seen of its card into the file that is named. */
const [file = '/dev/stdout'] = process.argv.slice(2);
await linuxStage.settle();
writeFileSync(file, JSON.stringify([...(await observe(linuxStage))]));
