// Measures in a guest what making VFs takes, beside the same by hand in turns, so that only ratios count.
import process from 'node:process';
import { bootGuest, type Guest } from '../vm/guest.ts';

const rounds = Number(process.argv[2] ?? 5);
const pf = '/sys/bus/pci/devices/0000:01:00.0';

interface Candidate {
  readonly name: string;
  readonly script: string;
}

/** The first candidate is the peer that the others are compared with. */
interface Group {
  readonly title: string;
  readonly prepare: string;
  readonly candidates: readonly Candidate[];
}

const forVfio = (count: number, probing: boolean): string => `
  echo ${probing ? 1 : 0} >${pf}/sriov_drivers_autoprobe
  echo ${count} >${pf}/sriov_numvfs
  for vf in ${pf}/virtfn*; do
    address=$(readlink $vf); address=\${address#../}
    echo vfio-pci >$vf/driver_override
    [ ! -e $vf/driver ] || echo $address >$vf/driver/unbind
    echo $address >/sys/bus/pci/drivers/vfio-pci/bind
  done
  echo 1 >${pf}/sriov_drivers_autoprobe`;

const vfioGroup = (count: number): Group => ({
  title: `${count} VFs for vfio-pci`,
  prepare: 'modprobe igbvf; modprobe vfio-pci; ip link set enp1s0f0 up',
  candidates: [
    { name: 'probed, then rebound', script: forVfio(count, true) },
    { name: 'made without probing', script: forVfio(count, false) },
  ],
});

const byHand: Group = {
  title: '7 VFs for igbvf, from a PF that is down',
  prepare: 'modprobe -r igbvf; ip link set enp1s0f0 down',
  candidates: [
    {
      name: 'by hand and 2 × node -e 0',
      script: `
        modprobe igbvf
        ip link set dev enp1s0f0 up
        echo 7 >${pf}/sriov_numvfs
        udevadm settle
        lspci -d 8086:10ca >/dev/null
        node -e 0; node -e 0`,
    },
    {
      name: 'sriovctl setup',
      script: 'sriovctl setup --pf enp1s0f0 --vfs 7 --no-kube --no-persist >/dev/null 2>&1',
    },
  ],
};

const byHandUnit = `[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c "modprobe igbvf; ip link set dev enp1s0f0 up; echo 4 >${pf}/sriov_numvfs"
`;

/** What the unit takes beside the same without a question asked is what it adds to a boot. */
const atBoot: Group = {
  title: '4 VFs by a unit, as in a boot',
  prepare:
    'systemctl stop sriovctl-boot by-hand; modprobe -r igbvf; ip link set enp1s0f0 down; sync',
  candidates: [
    { name: 'a unit with three commands', script: 'systemctl start by-hand' },
    { name: 'sriovctl-boot.service', script: 'systemctl start sriovctl-boot' },
  ],
};

const once = async (guest: Guest, { prepare }: Group, { script }: Candidate): Promise<number> => {
  const took = await guest.sh(
    `
      echo 0 >${pf}/sriov_numvfs; udevadm settle
      ${prepare}
      udevadm settle; sleep 1
      start=$(date +%s%N)
      ${script}
      echo $((($(date +%s%N) - start) / 1000000))`,
    { timeoutMs: 300_000 },
  );
  return Number(took);
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const measure = async (guest: Guest, group: Group): Promise<readonly number[]> => {
  const times = group.candidates.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, candidate] of group.candidates.entries()) {
      times[index]?.push(await once(guest, group, candidate));
    }
  }
  return times.map(median);
};

const show = (title: string, { candidates }: Group, values: readonly number[]): void => {
  console.log(title);
  for (const [index, { name }] of candidates.entries()) {
    const value = values[index] ?? Number.NaN;
    const ratio = (value / (values[0] ?? Number.NaN)).toFixed(2);
    console.log(`  ${name.padEnd(28)} ${value.toFixed(0).padStart(6)} ms  ${ratio} times`);
  }
};

const measured = async (guest: Guest, group: Group): Promise<readonly number[]> => {
  const values = await measure(guest, group);
  show(group.title, group, values);
  return values;
};

await using guest = await bootGuest();
const [one, seven] = [vfioGroup(1), vfioGroup(7)];
const ofOne = await measured(guest, one);
const ofSeven = await measured(guest, seven);
const each = ofSeven.map((value, index) => (value - (ofOne[index] ?? 0)) / 6);
show('each VF more for vfio-pci, without what the port itself takes', seven, each);
await measured(guest, byHand);
await guest.sh('sriovctl setup --pf enp1s0f0 --vfs 4 --no-kube', { timeoutMs: 300_000 });
await guest.writeText('/etc/systemd/system/by-hand.service', byHandUnit);
await guest.sh('systemctl daemon-reload');
await measured(guest, atBoot);
