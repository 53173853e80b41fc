/**
 * Reads what kstrtou16(text, 0) reads (lib/kstrtox.c): decimal, 0x hexadecimal or octal with a leading
 * 0, an optional plus, one newline at the end, and nothing else. `undefined` stands for its EINVAL,
 * and for its ERANGE, which sriov_numvfs_store answers with EINVAL too.
 */
export const parseU16 = (text: string): number | undefined => {
  const digits = text.replace(/\n$/, '').replace(/^\+/, '');
  const value = /^0x[0-9a-f]+$/i.test(digits)
    ? Number.parseInt(digits, 16)
    : /^0[0-7]*$/.test(digits)
      ? Number.parseInt(digits, 8)
      : /^[1-9][0-9]*$/.test(digits)
        ? Number.parseInt(digits, 10)
        : undefined;
  return value === undefined || value > 0xffff ? undefined : value;
};

/** Reads what kstrtobool reads (lib/kstrtox.c), which looks at the first letters only. */
export const parseBool = (text: string): boolean | undefined => {
  if (/^(?:[yY1tT]|[oO][nN])/.test(text)) return true;
  return /^(?:[nN0fF]|[oO][fF])/.test(text) ? false : undefined;
};
