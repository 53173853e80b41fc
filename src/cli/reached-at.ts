import { readFileSync } from 'node:fs';

/** How far up the processes are asked that this one was started by. */
const generations = 32;

/**
 * The address of this host that the user's SSH session came in on. sudo(8) takes SSH_CONNECTION out
 * of the environment, so the processes that this one was started by are asked as well.
 */
export const reachedAt = (): string | undefined => {
  const own = process.env['SSH_CONNECTION'];
  if (own !== undefined) return serverAddress(own);
  let pid = process.ppid;
  for (let generation = 0; generation < generations && pid > 1; generation += 1) {
    const connection = connectionOf(pid);
    if (connection !== undefined) return serverAddress(connection);
    pid = parentOf(pid);
  }
  return undefined;
};

/** `client-address client-port server-address server-port`, ssh(1). */
const serverAddress = (connection: string): string | undefined => connection.split(' ')[2];

const connectionOf = (pid: number): string | undefined =>
  /(?:^|\0)SSH_CONNECTION=([^\0]+)/.exec(read(pid, 'environ'))?.[1];

/** The second field behind the name in parentheses, which may hold anything (proc_pid_stat(5)). */
const parentOf = (pid: number): number => {
  const stat = read(pid, 'stat');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
};

const read = (pid: number, name: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
};
