import * as z from 'zod';
import type { HostFs, HostPath } from '../../host.ts';
import type { FindManagers } from './other-manager.ts';

/** The SR-IOV network operator's folder on a node; `pci/` has a file for each PF that it has set up. */
const folder: HostPath = '/etc/sriov-operator';

export const operatorName = 'the SR-IOV network operator';

/** Its record of a PF (Interface in api/v1 of the operator). */
const recordSchema = z.object({
  numVfs: z.number().optional(),
  externallyManaged: z.boolean().optional(),
});

/** What the operator has to do with a PF: it owns one that it has set up, and tolerates one that is managed elsewhere. */
export interface OperatorRecord {
  readonly file: HostPath;
  readonly numVfs: number | undefined;
  readonly externallyManaged: boolean;
}

/** @throws HostError if there is a record that cannot be read. */
export const operatorRecord = async (
  fs: HostFs,
  address: string,
): Promise<OperatorRecord | undefined> => {
  const file: HostPath = `${folder}/pci/${address}`;
  const text = await fs.readText(file);
  if (text === undefined) return undefined;
  const { numVfs, externallyManaged = false } = recordSchema.safeParse(parseJson(text)).data ?? {};
  return { file, numVfs, externallyManaged };
};

/** An operator that has not set up this PF (yet): a policy that names it would take it. */
export const operatorPresent: FindManagers = async (fs, { address }) => {
  if ((await fs.stat(folder)) === undefined) return [];
  const record = await operatorRecord(fs, address);
  const file = record?.file ?? folder;
  const name = operatorName;
  if (record?.externallyManaged === true) {
    const effect = `leaves the number of VFs to others, and wants ${record.numVfs ?? 'some'}`;
    return [{ name, file, line: 1, effect }];
  }
  if (record !== undefined) return [];
  const effect = 'runs here, and takes the PF as soon as a policy of it names it';
  return [{ name, file, line: 1, effect }];
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
