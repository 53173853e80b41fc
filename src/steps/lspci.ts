import type { CheckResult } from '../check.ts';
import type { HostView } from '../host.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import type { Step } from '../step.ts';
import { lspciCommand, parseLspci } from '../sysfs/lspci.ts';
import { readPf } from '../sysfs/pci-device.ts';
import { vfCount } from '../sysfs/vf-count.ts';

/** A second opinion: another program, which reads the PCI devices its own way, sees the VFs too. */
export const lspci: Step = {
  id: 'lspci',
  title: 'lspci shows the VFs',
  scope: 'host',
  plan: () => Promise.resolve([]),
  checks: [
    {
      id: 'lspci-shows-vfs',
      title: 'lspci shows each VF with its driver',
      severity: 'error',
      run: (spec, host) => compare(spec, host),
    },
  ],
};

const compare = async (spec: ResolvedSpec, host: HostView): Promise<CheckResult> => {
  const answer = await host.query(lspciCommand);
  if (!answer.ran) return { status: 'skip', because: answer.because };
  if (answer.exitCode !== 0) {
    const hint = 'Run `lspci -Dvmmnnk` to see more.';
    return { status: 'fail', problem: `lspci failed: ${answer.stderr.trim()}`, hint };
  }
  const records = new Map(parseLspci(answer.stdout).map((record) => [record.slot, record]));
  let shown = 0;
  for (const { address, vfs } of spec.pfs) {
    const pf = await readPf(host.fs, address);
    if (pf === undefined || pf.vfs.length !== vfs) {
      return missing(`${pf?.netdev ?? address} has ${pf?.vfs.length ?? 0} of ${vfCount(vfs)}`);
    }
    for (const vf of pf.vfs) {
      const record = records.get(vf.address);
      if (record === undefined) return missing(`lspci does not show VF ${vf.address}`);
      if (record.driver !== vf.driver) {
        const said = `lspci says ${record.driver ?? 'none'}, sysfs ${vf.driver ?? 'none'}`;
        return { status: 'pending', awaited: `one driver for VF ${vf.address} (${said})` };
      }
      shown += 1;
    }
  }
  return { status: 'pass', detail: `lspci shows ${vfCount(shown)}` };
};

const missing = (problem: string): CheckResult => ({
  status: 'fail',
  problem,
  hint: 'Make the VFs with `sriovctl setup`; if they exist, see the end of `dmesg`.',
});
