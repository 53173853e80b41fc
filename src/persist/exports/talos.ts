import { stringify } from 'yaml';
import { commented, type Export, exportedFile } from './export.ts';
import { leftOut, type PfOutline } from './pf-outline.ts';

const able = { attributes: [] } as const;

const always = [
  'Talos has no shell and no units of its own: a udev rule writes the number, in a worker that is killed after 180 s',
  'the PF may be down then: bnxt_en refuses that, and VFs of an igb stay without carrier until they are probed again',
  'the drivers of the VFs have to be in the image (system extensions), kernel arguments in its Image Factory schematic',
] as const;

/** A patch for the machine configuration: `talosctl patch machineconfig --patch @FILE`. */
export const talos = (outlines: readonly PfOutline[], modules: readonly string[]): Export => {
  const caveats = [...outlines.flatMap((outline) => leftOut(outline, able)), ...always];
  const patch = {
    machine: {
      kernel: { modules: modules.map((name) => ({ name })) },
      udev: { rules: outlines.map(ruleOf) },
    },
  };
  const content = `${commented(caveats)}${stringify(patch, { lineWidth: 0 })}`;
  const forWhom = 'for Talos: talosctl patch machineconfig --patch @FILE';
  return { files: [exportedFile('talos.yaml', content, forWhom)], caveats };
};

/** It writes only while there are no VFs: a rule runs again at each trigger. */
const ruleOf = ({ identity, count }: PfOutline): string =>
  [
    'ACTION=="add|bind"',
    'SUBSYSTEM=="pci"',
    `KERNEL=="${identity.address}"`,
    'DRIVER=="?*"',
    `ATTR{vendor}=="0x${identity.vendor}"`,
    `ATTR{device}=="0x${identity.device}"`,
    'ATTR{sriov_numvfs}=="0"',
    `ATTR{sriov_numvfs}="${count}"`,
  ].join(', ');
