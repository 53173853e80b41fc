import type { PhysicalFunction } from '../sysfs/pci-device.ts';
import { inputSchema, type JsonSchema } from './json-schema.ts';
import { nodeSpecSchema } from './node-spec.ts';

export interface SampleOptions {
  readonly hostname: string;
  /** Where editors find the schema: what `sriovctl schema >FILE` wrote, or an address. */
  readonly schema: string;
}

/**
 * A spec file to begin with: each PF of the host with the VFs it has (none: as many as a start
 * needs), commented, and every other key with its default as a comment.
 */
export const sampleSpec = (
  pfs: readonly PhysicalFunction[],
  { hostname, schema }: SampleOptions,
): string =>
  [
    `# yaml-language-server: $schema=${schema}`,
    `# What ${hostname} is to have. See what it would change: sriovctl plan --config FILE`,
    pfs.length === 0 ? 'pfs: [] # This host has no network card with SR-IOV.' : 'pfs:',
    ...pfs.flatMap(pfLines),
    ...otherKeys(),
    '',
  ].join('\n');

/** A count to start with for a card without VFs. */
const firstCount = 4;

const pfLines = (pf: PhysicalFunction): readonly string[] => {
  const { totalVfs } = pf.sriov;
  const facts = [
    `${pf.vendor}:${pf.device}`,
    pf.driver ?? 'no driver',
    pf.mac,
    `up to ${totalVfs} VFs`,
  ];
  const count = pf.vfs.length > 0 ? pf.vfs.length : Math.min(firstCount, totalVfs);
  return [
    `  # ${pf.address}: ${facts.filter((fact) => fact !== undefined).join(', ')}`,
    `  - pf: ${pf.netdev ?? JSON.stringify(pf.address)}`,
    `    vfs: ${count}`,
  ];
};

const otherKeys = (): readonly string[] =>
  Object.entries(inputSchema(nodeSpecSchema).properties ?? {}).flatMap(([key, schema]) =>
    key === 'pfs' ? [] : ['', ...keyLines(key, schema, '')],
  );

const keyLines = (key: string, schema: JsonSchema, indent: string): readonly string[] => {
  const about = schema.description === undefined ? [] : [`# ${indent}${schema.description}.`];
  const choices = schema.enum === undefined ? '' : `  # ${schema.enum.map(String).join(', ')}`;
  const inner = Object.entries(schema.properties ?? {});
  if (inner.length > 0) {
    const lines = inner.flatMap(([name, child]) => keyLines(name, child, `${indent}  `));
    return [...about, `# ${indent}${key}:`, ...lines];
  }
  const value = schema.default === undefined ? sampleOf(schema) : JSON.stringify(schema.default);
  return [...about, `# ${indent}${key}: ${value.replaceAll('"', '')}${choices}`];
};

/** What stands for a value that has no default. */
const sampleOf = ({ type, enum: choices }: JsonSchema): string => {
  if (choices !== undefined) return String(choices[0]);
  if (type === 'array') return '[]';
  return type === 'object' ? '{}' : '…';
};
