/** Replaced by the build with the version of package.json. */
declare const __SRIOVCTL_VERSION__: string | undefined;

export const version: string =
  typeof __SRIOVCTL_VERSION__ === 'undefined' ? '0.0.0-source' : __SRIOVCTL_VERSION__;
