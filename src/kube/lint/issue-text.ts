import type * as z from 'zod';

/** What a schema has against a value, with the place first: `resourceList[0].selectors: …`. */
export const issueText = (issue: z.core.$ZodIssue): string => {
  const place = issue.path
    .map((key, at) =>
      typeof key === 'number' ? `[${key}]` : at === 0 ? String(key) : `.${String(key)}`,
    )
    .join('');
  const inner = issue.code === 'invalid_union' ? closestBranch(issue.errors) : undefined;
  if (inner !== undefined) return `${place}${issueText(inner).replace(/^(?=\w)/, '.')}`;
  return place === '' ? issue.message : `${place}: ${issue.message}`;
};

/** Of an object or a list of them, the branch that came furthest. */
const closestBranch = (
  branches: readonly (readonly z.core.$ZodIssue[])[],
): z.core.$ZodIssue | undefined =>
  branches
    .flatMap(([first]) => first ?? [])
    .sort((a, b) => b.path.length - a.path.length || rank(a) - rank(b))[0];

const rank = ({ code }: z.core.$ZodIssue): number => (code === 'unrecognized_keys' ? 0 : 1);
