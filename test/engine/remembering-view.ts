import type { HostFs, HostView } from '../../src/host.ts';

/** A captured host whose files are read from the disk once, for tests that begin with it thousands of times. */
export const rememberingView = (view: HostView): HostView => {
  const once = <T>(read: (path: `/${string}`) => Promise<T>): typeof read => {
    const known = new Map<string, Promise<T>>();
    return (path) => {
      const answer = known.get(path) ?? read(path);
      known.set(path, answer);
      return answer;
    };
  };
  const fs: HostFs = {
    readText: once((path) => view.fs.readText(path)),
    readLink: once((path) => view.fs.readLink(path)),
    list: once((path) => view.fs.list(path)),
    stat: once((path) => view.fs.stat(path)),
  };
  return { ...view, fs };
};
