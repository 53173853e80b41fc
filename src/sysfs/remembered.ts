import type { HostFs, HostView } from '../host.ts';
import type { TreeFs } from './tree-fs.ts';

/**
 * A host as it is at one moment: each thing is looked at once, however many ask for it, and all of
 * them see the same. For looks during which nothing is written.
 */
export const rememberedView = (view: HostView): HostView => {
  const answers = new Map<string, ReturnType<HostView['query']>>();
  return {
    ...(view.reachedAt !== undefined && { reachedAt: view.reachedAt }),
    fs: rememberedFs(view.fs),
    query: (command) => once(answers, JSON.stringify(command), () => view.query(command)),
  };
};

const rememberedFs = (fs: HostFs): HostFs | TreeFs => ({
  ...('readBytes' in fs && rememberedTree(fs as TreeFs)),
  readText: remembering((path) => fs.readText(path)),
  readLink: remembering((path) => fs.readLink(path)),
  list: remembering((path) => fs.list(path)),
  stat: remembering((path) => fs.stat(path)),
});

const rememberedTree = (fs: TreeFs): Pick<TreeFs, 'readBytes' | 'writeErrno'> => ({
  readBytes: remembering((path) => fs.readBytes(path)),
  writeErrno: remembering((path) => fs.writeErrno(path)),
});

/** Remembers errors too. */
const remembering = <K, T>(look: (key: K) => Promise<T>): ((key: K) => Promise<T>) => {
  const seen = new Map<K, Promise<T>>();
  return (key) => once(seen, key, () => look(key));
};

const once = <K, T>(seen: Map<K, Promise<T>>, key: K, look: () => Promise<T>): Promise<T> => {
  const known = seen.get(key);
  if (known !== undefined) return known;
  const answer = look();
  seen.set(key, answer);
  return answer;
};
