import { getSystemErrorMap } from 'node:util';

/**
 * Messages of glibc's strerror(3) in the C locale, for the errnos that sysfs writes are known to give
 * (drivers/pci/iov.c, drivers/base/bus.c and the PF drivers). A child process can tell only these.
 */
const messages: Readonly<Record<string, string>> = {
  'Operation not permitted': 'EPERM',
  'No such file or directory': 'ENOENT',
  'No such process': 'ESRCH',
  'Input/output error': 'EIO',
  'No such device or address': 'ENXIO',
  'Bad file descriptor': 'EBADF',
  'Resource temporarily unavailable': 'EAGAIN',
  'Cannot allocate memory': 'ENOMEM',
  'Permission denied': 'EACCES',
  'Device or resource busy': 'EBUSY',
  'File exists': 'EEXIST',
  'No such device': 'ENODEV',
  'Not a directory': 'ENOTDIR',
  'Is a directory': 'EISDIR',
  'Invalid argument': 'EINVAL',
  'Text file busy': 'ETXTBSY',
  'No space left on device': 'ENOSPC',
  'Read-only file system': 'EROFS',
  'Numerical result out of range': 'ERANGE',
  'Function not implemented': 'ENOSYS',
  'Value too large for defined data type': 'EOVERFLOW',
  'Operation not supported': 'EOPNOTSUPP',
  'Connection timed out': 'ETIMEDOUT',
  'Protocol not supported': 'EPROTONOSUPPORT',
  'Cannot assign requested address': 'EADDRNOTAVAIL',
};

/** The errno behind a coreutils error line such as `dd: error writing 'x': Device or resource busy`. */
export const errnoOfMessage = (stderr: string): string | undefined => {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return messages[line.slice(line.lastIndexOf(': ') + 2)];
};

/** The symbolic errno of a Node.js error, whose `code` calls EOPNOTSUPP by its twin ENOTSUP. */
export const errnoOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') {
    return undefined;
  }
  return error.code === 'ENOTSUP' ? 'EOPNOTSUPP' : error.code;
};

/** What an errno means in a few words, as the C library says it. */
export const describeErrno = (errno: string): string => {
  const known = Object.entries(messages).find(([, name]) => name === errno);
  if (known !== undefined) return known[0];
  for (const [name, text] of getSystemErrorMap().values()) if (name === errno) return text;
  return 'unknown error';
};
