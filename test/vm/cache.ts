import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

/** Where images and saved machines are kept from one run to the next. */
export function cacheDirectory(): string {
  const { SRIOVCTL_VM_CACHE, XDG_CACHE_HOME } = process.env;
  const caches = SRIOVCTL_VM_CACHE ?? XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
  return path.join(caches, 'sriovctl-vm');
}

const unfinished = '.building-';

/** Fills a folder unless it exists: beside its place and then renamed, so that half of one is never taken for it. */
export async function buildInto(
  finished: string,
  build: (building: string) => Promise<void>,
): Promise<void> {
  if (existsSync(finished)) return;
  await mkdir(path.dirname(finished), { recursive: true });
  await removeAbandoned(path.dirname(finished));
  const building = await mkdtemp(`${finished}${unfinished}`);
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

/** What builds that were killed have left; nothing takes an hour to build. */
async function removeAbandoned(directory: string): Promise<void> {
  const hourAgo = Date.now() - 3_600_000;
  for (const name of await readdir(directory)) {
    const entry = path.join(directory, name);
    if (name.includes(unfinished) && (await stat(entry)).mtimeMs < hourAgo) {
      await rm(entry, { recursive: true, force: true });
    }
  }
}
