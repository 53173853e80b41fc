import { ownersOf } from '../fields.ts';
import { textAt } from '../json.ts';
import type { LiveObject } from '../object.ts';

/** Each second follows the one before, so that what happened first can be told from whole seconds. */
export const clock = (start: number): (() => string) => {
  let now = start;
  return () => {
    now += 1_000;
    return new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  };
};

/** A recorded cluster goes on from its record, whenever that is looked at. */
export const latestTime = (objects: readonly LiveObject[]): number =>
  Math.max(
    Date.UTC(2026, 0),
    ...objects
      .flatMap((object) => [
        textAt(object, 'metadata', 'creationTimestamp'),
        ...ownersOf(object).map(({ time }) => time),
      ])
      .map((time) => (time === undefined ? 0 : Date.parse(time))),
  );
