/**
 * The modules that a kbuild Makefile says it builds (`obj-m += igbvf.o`), without running it: it is
 * others' text. A name that only make could work out is left out.
 */
export const modulesOfMakefile = (text: string): readonly string[] => {
  const assignments = assignmentsIn(text);
  const variables = new Map<string, string>();
  for (const { name, value } of assignments) variables.set(name, value);
  const words = assignments
    .filter(({ name }) => /^obj-(?:m|\$[({]CONFIG_\w+[)}])$/.test(name))
    .flatMap(({ value }) => value.split(/\s+/));
  const modules = words.flatMap((word) => {
    const [, module] = /^([\w-]+)\.o$/.exec(expanded(word, variables)) ?? [];
    return module === undefined ? [] : [module];
  });
  return [...new Set(modules)];
};

interface Assignment {
  readonly name: string;
  readonly value: string;
}

const assignmentsIn = (text: string): readonly Assignment[] =>
  text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => {
      const [, name, value] =
        /^ *(?:export +)?([\w.(){}$-]+?)\s*(?::{0,2}|[+?])=\s*(.*?)\s*$/.exec(
          line.replace(/#.*/, ''),
        ) ?? [];
      return name === undefined || value === undefined ? [] : [{ name, value }];
    });

/** Variables within variables are followed as deep as anybody writes them. */
const expanded = (word: string, variables: ReadonlyMap<string, string>, depth = 4): string => {
  const next = word.replace(
    /\$[({](\w+)[)}]/g,
    (reference, name: string) => variables.get(name) ?? reference,
  );
  return next === word || depth === 0 ? word : expanded(next, variables, depth - 1);
};
