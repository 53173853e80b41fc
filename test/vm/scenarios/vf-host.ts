import { expect } from 'vitest';
import type { RunResult } from '../command.ts';
import type { Guest } from '../guest.ts';

export const devices = '/sys/bus/pci/devices';
export const pf = `${devices}/0000:01:00.0`;

/** An emulated machine beside others may take a minute for what takes a second. */
const patient = { timeoutMs: 280_000 };

type Words = readonly string[];

/** The stages of this host alone. */
export const setup = (guest: Guest, ...args: Words) =>
  guest.run(['sriovctl', 'setup', '--no-kube', '--no-persist', ...args], patient);
export const verify = (guest: Guest, ...args: Words) =>
  guest.run(['sriovctl', 'verify', '--no-kube', '--no-persist', ...args], patient);
export const undo = (guest: Guest) => guest.run(['sriovctl', 'undo'], patient);

/** A run that ended otherwise shows what it said. */
export const expectExit = async (run: Promise<RunResult>, code: number) => {
  const result = await run;
  expect(result.exitCode, result.stderr + result.stdout).toBe(code);
  return result;
};

/** A run that did what its rehearsal had said. */
export const expectSuccess = async (run: Promise<RunResult>) => {
  const result = await expectExit(run, 0);
  expect(result.stderr).not.toContain('Other than rehearsed');
  return result;
};

export const removeVfs = (guest: Guest) =>
  guest.sh(
    `for port in 0 1; do echo 0 >${devices}/0000:01:00.$port/sriov_numvfs; done; udevadm settle`,
  );

/** VFs and who drives them; a random MAC is another one each time a driver takes its VF. */
export const driverState = (guest: Guest): Promise<string> =>
  guest.sh(`
    cd ${devices}
    grep -s . 0000:01:*/sriov_numvfs 0000:01:*/sriov_drivers_autoprobe 0000:01:*/driver_override || true
    for function in 0000:01:*; do echo "$function $(readlink $function/driver || true)"; done
  `);

/** All that a run sets on VFs whose MACs are set as well. */
export const declaredState = async (guest: Guest): Promise<string> =>
  `${await driverState(guest)}\n${await guest.sh(`
    cat /sys/class/net/enp1s0f?/mtu
    for netdev in enp1s0f0 enp1s0f1; do ip -j -d link show dev $netdev | jq -c '.[0].vfinfo_list'; done
  `)}`;
