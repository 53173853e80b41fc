import { stringify } from 'yaml';
import type { KubeObject } from '../host.ts';
import { toJson } from './json.ts';

/** Objects as documents of one YAML stream. */
export const renderYaml = (objects: readonly KubeObject[]): string =>
  objects.map((object) => `---\n${yaml(object)}`).join('');

export const yaml = (value: object): string => stringify(toJson(value), { lineWidth: 0 });
