import tseslint from 'typescript-eslint';

/** Imports only go down: each folder may use those listed after it, never those before it. */
const layers = [
  'cli',
  'report',
  'engine',
  'steps',
  'spec',
  'kube',
  'boot',
  'persist',
  'driver-source',
  'sysfs',
];

const above = (layer) => layers.slice(0, layers.indexOf(layer));
const patternsFor = (names) =>
  names.map((name) => ({
    group: [`**/${name}/**`],
    message: `Imports only go down: ${layers.join(' → ')} → vocabulary.`,
  }));

const layerRules = layers.slice(1).map((layer) => ({
  files: [`src/${layer}/**/*.ts`],
  rules: { 'no-restricted-imports': ['error', { patterns: patternsFor(above(layer)) }] },
}));

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'fixtures/',
      'coverage/',
      '.ci/*.mjs',
      'scripts/*.mjs',
      'test/bench/*.mjs',
      'test/vm/*.mjs',
      'eslint.config.js',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Synchronous reads stand behind asynchronous types on purpose.
      '@typescript-eslint/require-await': 'off',
      complexity: ['error', 15],
    },
  },
  ...layerRules,
);
