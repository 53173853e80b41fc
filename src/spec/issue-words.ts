import type * as z from 'zod';
import { didYouMean } from './did-you-mean.ts';
import { allowedWords, type JsonSchema, keysOf, schemasAt } from './json-schema.ts';
import { type Place, placeOf, placeOfKey, sourceOf, type YamlText } from './positions.ts';

/** One thing that is wrong in a file, and what would be right. */
export interface SpecProblem extends Place {
  readonly problem: string;
  readonly remedy: string;
}

type Issue = z.core.$ZodIssue;

/** What the schema found wrong, with the places in the file. */
export const issueProblems = (
  yaml: YamlText,
  schema: JsonSchema,
  issues: readonly Issue[],
): readonly SpecProblem[] => issues.flatMap((issue) => problemsOf(yaml, schema, issue, issue.path));

/** `pfs[0].vfs`, as people write it. */
export const pathWords = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (words, key) =>
      typeof key === 'number'
        ? `${words}[${key}]`
        : words === ''
          ? String(key)
          : `${words}.${String(key)}`,
    '',
  );

const problemsOf = (
  yaml: YamlText,
  schema: JsonSchema,
  issue: Issue,
  path: readonly PropertyKey[],
): readonly SpecProblem[] => {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(yaml, schema, path, key));
    case 'invalid_key':
      return [badKey(yaml, path, issue)];
    case 'invalid_union': {
      const nearest = nearestBranch(issue.errors);
      if (nearest === undefined) break;
      return nearest.flatMap((inner) => problemsOf(yaml, schema, inner, [...path, ...inner.path]));
    }
    default:
  }
  return [badValue(yaml, schema, path, issue)];
};

const unknownKey = (
  yaml: YamlText,
  schema: JsonSchema,
  path: readonly PropertyKey[],
  key: string,
): SpecProblem => {
  const inSpec = keysOf(schemasAt(schema, path));
  // A misspelled `nodes` makes a file of several nodes look like that of one.
  const known = path.length === 0 && !inSpec.includes('nodes') ? [...inSpec, 'nodes'] : inSpec;
  const meant = didYouMean(key, known);
  const place = path.length === 0 ? '' : ` of ${pathWords(path)}`;
  return {
    ...placeOfKey(yaml, path, key),
    problem: `${JSON.stringify(key)} is no key${place}`,
    remedy: meant === undefined ? `Keys here are ${known.join(', ')}.` : `Did you mean ${meant}?`,
  };
};

const badKey = (yaml: YamlText, path: readonly PropertyKey[], issue: Issue): SpecProblem => {
  const key = String(path.at(-1));
  return {
    ...placeOfKey(yaml, path.slice(0, -1), key),
    problem: `${JSON.stringify(key)} is not allowed as a key of ${pathWords(path.slice(0, -1))}`,
    remedy: sentence(('issues' in issue ? issue.issues[0]?.message : undefined) ?? issue.message),
  };
};

const badValue = (
  yaml: YamlText,
  schema: JsonSchema,
  path: readonly PropertyKey[],
  issue: Issue,
): SpecProblem => {
  const schemas = schemasAt(schema, path);
  const allowed = allowedWords(schemas);
  const source = sourceOf(yaml, path);
  const last = path.at(-1);
  if (source === undefined && issue.code !== 'custom' && typeof last === 'string') {
    const holder = path.length === 1 ? 'the spec' : pathWords(path.slice(0, -1));
    return {
      ...placeOf(yaml, path),
      problem: `${holder} lacks ${last}`,
      remedy: `Add ${last}: ${allowed}.`,
    };
  }
  const what = path.length === 0 ? 'the spec' : pathWords(path);
  return {
    ...placeOf(yaml, path),
    problem: `${what} ${wrongWords(issue, shown(source))}`,
    remedy: remedyOf(issue, allowed, source, schemas),
  };
};

const wrongWords = (issue: Issue, value: string): string =>
  usesOwnWords(issue) ? `is ${value}, which ${verb(issue.message)}` : `is ${value}`;

const remedyOf = (
  issue: Issue,
  allowed: string,
  source: string | undefined,
  schemas: readonly JsonSchema[],
): string => {
  const choices = schemas.flatMap((schema) => schema.enum ?? []).map(String);
  const meant = source === undefined ? undefined : didYouMean(source, choices);
  if (usesOwnWords(issue)) {
    const described = schemas.find(({ description }) => isNoun(description))?.description;
    return `It is ${described === undefined ? allowed : lowerFirst(described)}.`;
  }
  if (meant !== undefined) return `It is ${allowed}. Did you mean ${meant}?`;
  const unquoted = 'expected' in issue && issue.expected === 'string' && isPlain(source);
  return unquoted ? `It is ${allowed}: put it in quotes.` : `It is ${allowed}.`;
};

/** A description that says what a value is, not what it is good for. */
const isNoun = (description: string | undefined): boolean =>
  /^(an?|the|one|four) /i.test(description ?? '');

/** A number, a truth value or a date that YAML reads as such for want of quotes. */
const isPlain = (source: string | undefined): boolean =>
  source !== undefined && /^[\w.+-]+$/.test(source);

/** A type, a choice or a bound is said by the schema better than by a message. */
const usesOwnWords = ({ code, message }: Issue): boolean =>
  code === 'custom' || (code === 'invalid_format' && !message.startsWith('Invalid '));

const verb = (message: string): string =>
  /^(is|must|has|names|needs|does|cannot|may|lacks|belongs|stands|goes)\b/.test(message)
    ? message
    : `is wrong: ${message}`;

/** Of several alternatives the one that was most likely meant: it fails deepest, and with least. */
const nearestBranch = (errors: readonly (readonly Issue[])[]): readonly Issue[] | undefined => {
  const inner = errors.filter((issues) =>
    issues.every(
      ({ path, code }) => path.length > 0 || code === 'unrecognized_keys' || code === 'custom',
    ),
  );
  return inner.toSorted((a, b) => a.length - b.length)[0];
};

const shown = (source: string | undefined): string => {
  if (source === undefined || source === '') return 'empty';
  const [first = '', ...more] = source.split('\n');
  const cut = first.length > 40 || more.length > 0;
  return cut ? `${first.slice(0, 40)}…` : first;
};

const lowerFirst = (text: string): string =>
  /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
