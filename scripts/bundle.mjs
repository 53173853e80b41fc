import { readFile } from 'node:fs/promises';
import { build } from 'esbuild';

const { version } = JSON.parse(await readFile('package.json', 'utf8'));

/** Bundles src/main.ts, in which form is for the caller to say. */
export const bundle = (form) =>
  build({
    entryPoints: { sriovctl: 'src/main.ts' },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    minifySyntax: true,
    legalComments: 'none',
    define: { __SRIOVCTL_VERSION__: JSON.stringify(version) },
    plugins: [globalProcess],
    ...form,
  });

/**
 * Importing node:process as a module makes Node.js open stdin, stdout and stderr, each of which takes a
 * millisecond or more; the global object opens what is used.
 */
const globalProcess = {
  name: 'global-process',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^(node:)?process$/ }, () => ({ path: 'process', namespace: 'global' }));
    onLoad({ filter: /./, namespace: 'global' }, () => ({ contents: 'module.exports = process;' }));
  },
};
