import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where images and saved machines are kept from one run to the next. */
export function cacheDirectory(): string {
  const { SRIOVCTL_VM_CACHE, XDG_CACHE_HOME } = process.env;
  const caches = SRIOVCTL_VM_CACHE ?? XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
  return path.join(caches, 'sriovctl-vm');
}

/** Fills a folder unless it exists: beside its place and then renamed, so that half of one is never taken for it. */
export async function buildInto(
  finished: string,
  build: (building: string) => Promise<void>,
): Promise<void> {
  await mkdir(path.dirname(finished), { recursive: true });
  await removeUnused(path.dirname(finished));
  await othersBuilding(finished);
  if (!existsSync(finished)) await buildAndRename(finished, build);
  await utimes(finished, new Date(), new Date());
}

async function buildAndRename(
  finished: string,
  build: (building: string) => Promise<void>,
): Promise<void> {
  const building = await mkdtemp(`${finished}${unfinished}${process.pid}-`);
  try {
    await build(building);
    await rename(building, finished).catch((error: unknown) => {
      // Somebody else has built the same meanwhile.
      if (!existsSync(finished)) throw error;
    });
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

const unfinished = '.building-';
const hour = 3_600_000;
const week = 7 * 24 * hour;

/** Waits while a living process builds the same, which is faster than building it at the same time. */
async function othersBuilding(finished: string): Promise<void> {
  const prefix = path.basename(finished) + unfinished;
  const isGoingOn = async (): Promise<boolean> =>
    (await readdir(path.dirname(finished))).some(
      (name) => name.startsWith(prefix) && isAlive(Number.parseInt(name.slice(prefix.length))),
    );
  const deadline = Date.now() + hour / 6;
  while (!existsSync(finished) && Date.now() < deadline && (await isGoingOn())) await sleep(500);
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** What builds that were killed have left (nothing takes an hour to build), and what was not used for a week. */
async function removeUnused(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const entry = path.join(directory, name);
    // Another process may have renamed or removed it since.
    const stats = await stat(entry).catch(() => undefined);
    const keep = name.includes(unfinished) ? hour : week;
    if (stats?.isDirectory() === true && stats.mtimeMs < Date.now() - keep) {
      await rm(entry, { recursive: true, force: true });
    }
  }
}
