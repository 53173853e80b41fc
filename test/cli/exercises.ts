/** A command line that is run on the built program, and what must come of it. */
export interface Exercise {
  /** The command as the help names it: `kube render`. */
  readonly command: string;
  readonly args: readonly string[];
  readonly exitCode: number;
  /** Each is in what is printed, on whichever stream. */
  readonly says: readonly string[];
}

/** In `args`, `$TMP` is a folder of the test's own, with `nodes.yaml` and `plan.json` in it. */
const row = (
  command: string,
  args: string,
  exitCode: number,
  ...says: readonly string[]
): Exercise => ({ command, args: args.split(' ').filter(Boolean), exitCode, says });

const demo = '--simulate fixtures/i350-t2';
/** A host that has never seen a cluster. */
const alone = '--simulate fixtures/82576-qemu';
const one = '--pf enp1s0f0 --vfs 1';
const nowhere = '--kubeconfig $TMP/none --context nowhere';
const noCluster = 'o cluster is reachable';

/** All that can be wanted of a PF and its VFs, on a host with the whole way before it. */
const wanted = `${demo} --pf enp1s0f0 --vfs 2 --vf-driver vfio-pci --vf 0:vlan=77 --mac-policy stable --mtu 1400 --persist rc-local --no-kube`;
const asWanted = ['mtu 1400', 'vlan 77', 'vfio-pci', '/etc/rc.local'];

/** The commands that have stages: what is wanted comes from flags, from a file, for one stage. */
const staged = (
  command: string,
  {
    flags = '',
    drift = 0,
    says = asWanted,
  }: { flags?: string; drift?: number; says?: readonly string[] },
): readonly Exercise[] => [
  row(command, `${wanted} ${flags}`, drift, ...says),
  row(
    command,
    `${demo} ${one} --iommu on --kernel-arg pci=realloc --grub-file --no-persist --only iommu -o json ${flags}`,
    drift === 0 ? 3 : drift,
    '"path": "/etc/default/grub"',
  ),
  row(
    command,
    `${demo} ${one} --eswitch legacy --only eswitch-first -o yaml --debug ${flags}`,
    drift === 0 ? 4 : drift,
    'has no switch that can be set',
  ),
  row(
    command,
    `${alone} --config $TMP/nodes.yaml --node-label role=net --kube ${nowhere} --skip iommu,persist -v ${flags}`,
    drift === 0 ? 4 : drift,
    noCluster,
  ),
];

const kube = (command: string, exitCode: number, says: string): readonly Exercise[] => [
  row(`kube ${command}`, `${alone} ${one} --only network ${nowhere}`, exitCode, says),
  row(`kube ${command}`, `${alone} ${one} --skip multus -o json`, exitCode, says),
];

const root = process.geteuid?.() === 0;

export const exercises: readonly Exercise[] = [
  ...staged('setup', { flags: '--dry-run' }),
  row('setup', `${demo} ${one} --only vfs --dry-run --detailed-exitcode --json`, 6, '"predicted"'),
  row('setup', '--simulate $TMP/set --pf enp1s0f0=3 --only vfs --recreate', 0, '2 → 0', '0 → 3'),
  row('setup', `--simulate $TMP/set --pf enp1s0f0=3 --only vfs --force`, 4, 'NEEDS_RECREATE'),
  row(
    'setup',
    `${demo} ${one} --only vfs -q --simulate-out $TMP/kept --force-conflicts`,
    0,
    '1 of 7 VFs',
  ),
  row('setup', `${demo} ${one} --only vfs --dry-run --reboot`, 0, '0 → 1'),
  row('setup', `${demo} ${one} --driver-source $TMP/none --dry-run`, 4, 'driver-source-usable'),
  row('setup', `${demo} ${one} --only vfs -o text --out $TMP/setup.txt`, 0, 'Done: 1 change made.'),
  ...staged('plan', {}),
  row('plan', `${demo} ${one} --only vfs --detailed-exitcode -o markdown`, 6, 'sriov_numvfs'),
  row('plan', `${demo} ${one} --only vfs --out $TMP/kept.json`, 0, 'sriovctl apply $TMP/kept.json'),
  row('plan', '--teardown --simulate $TMP/set --pf enp1s0f0 --only vfs --json', 0, 'sriov_numvfs'),
  row(
    'plan',
    '--simulate $TMP/set --pf enp1s0f0=3 --only vfs --recreate --force',
    0,
    '2 → 0',
    '0 → 3',
  ),
  row('apply', `$TMP/plan.json ${demo} --dry-run --detailed-exitcode`, 6, 'nothing was written'),
  row('apply', `$TMP/plan.json ${demo}`, 0, 'sriov_numvfs: 0 → 2'),
  row('apply', `$TMP/plan.json ${demo} -o json --simulate-out $TMP/applied`, 0, '"applied"'),
  // What becomes of VFs can be told only once they are there.
  ...staged('verify', { drift: 1, says: ['enp1s0f0 has 0 VFs', '/etc/rc.local'] }),
  ...['junit', 'github', 'tap', 'sarif', 'markdown', 'text'].map((format) =>
    row('verify', `${demo} ${one} --only vfs -o ${format}`, 1, 'enp1s0f0 has 0 VFs'),
  ),
  row(
    'teardown',
    '--simulate $TMP/set --pf enp1s0f0 --only vfs --force --simulate-out $TMP/torn',
    0,
    '2 → 0',
    '0 of 7 VFs',
  ),
  row(
    'teardown',
    '--simulate $TMP/set --pf enp1s0f0 --only vfs --dry-run --detailed-exitcode -o json',
    6,
    '"value": "0"',
  ),
  row('try', `${demo} ${one} --only vfs --timeout 5m --recreate --force`, 0, '1 of 7 VFs'),
  row('try', `${demo} ${one} --only vfs -o json`, 0, '"outcome": "applied"'),
  // Without systemctl on its path, for there may be a try on this very machine.
  row('confirm', '', 4, 'NOTHING_TO_CONFIRM'),
  row('confirm', '-o json -q', 4, '"command": "confirm"'),
  // A run that there is not, for this machine may have others.
  ...(root
    ? [
        row('undo', '--run none --wait 1', 0, 'Nothing to undo'),
        row('undo', '--run none -o json -q', 0, '"outcome": "nothing-to-undo"'),
      ]
    : ['', '-o json'].map((more) => row('undo', `--run none --wait 1 ${more}`, 4, 'NOT_ROOT'))),
  row('list', '--simulate $TMP/set --wide', 0, 'USED BY', 'enp1s0f0v1'),
  row('list', '--simulate $TMP/set --tree', 0, '└─ VF 1'),
  row('list', '--simulate $TMP/set -o json', 0, '"totalVfs": 7'),
  row('list', '--simulate $TMP/set -o dot', 0, 'digraph sriov'),
  row('list', '--simulate $TMP/set -o mermaid', 0, 'flowchart LR'),
  row('list', '--simulate $TMP/set -o svg', 0, '<svg xmlns='),
  row('list', '--watch 0', 2, 'such as 90, 90s or 5m'),
  row('show', `enp1s0f0 ${demo}`, 0, 'VF offset, stride'),
  row('show', `a0:36:9f:8c:1d:44 ${demo} -o json`, 0, '"details"'),
  row('kube', 'nonsense', 2, 'BAD_USAGE'),
  ...kube('render', 4, 'KUBE_NO_VFS'),
  row(
    'kube render',
    '--simulate $TMP/set --pf enp1s0f0=2 --node n9 --namespace net --network-namespace apps --resource-prefix example.org --resource-name fast --registry mirror.example.org --allocation device-plugin --workload',
    0,
    'label node n9',
    'namespace: net',
    'namespace: apps',
    'example.org/fast',
    'image: mirror.example.org/',
  ),
  row('kube render', '--simulate $TMP/set --pf enp1s0f0=2 --kustomize $TMP/kustomize', 0, ''),
  ...kube('diff', 4, 'KUBE_UNREACHABLE'),
  ...kube('apply', 4, noCluster),
  row(
    'kube apply',
    `${alone} ${one} --dry-run --detailed-exitcode --force-conflicts`,
    4,
    noCluster,
  ),
  ...kube('verify', 7, 'KUBE_UNREACHABLE'),
  row(
    'kube verify',
    `${alone} --node n9 --pf 0000:65:00.0=1 ${nowhere}`,
    7,
    'No cluster is reachable',
  ),
  ...['markdown', 'junit', 'github', 'tap', 'sarif'].map((format) =>
    row(
      'kube verify',
      `${demo} --pf enp1s0f0=0 --only device-plugin -o ${format}`,
      0,
      format === 'github' ? '' : 'device-plugin',
    ),
  ),
  ...kube('smoke', 4, 'KUBE_UNREACHABLE'),
  row('kube smoke', `${alone} ${one} --ping`, 4, 'KUBE_UNREACHABLE'),
  ...kube('diagnose', 4, 'KUBE_UNREACHABLE'),
  ...kube('teardown', 0, ''),
  ...kube('rbac', 0, 'ClusterRole'),
  row('kube lint', '$TMP/nodes.yaml', 1, 'no JSON object'),
  row('kube lint', '$TMP/nodes.yaml -o json', 1, '"command": "kube lint"'),
  row('kube lint', '$TMP/none', 2, 'CONFIG_UNREADABLE'),
  row('init', `${demo} --schema https://example.org/s.json`, 0, '$schema=https://example.org/s'),
  row('init', `${demo} -o json`, 0, '"pf": "enp1s0f0"'),
  row('init', `${demo} -o yaml --out $TMP/new.yaml`, 0, ''),
  row('explain', '', 0, 'NO_MMIO_SPACE', 'vf-count'),
  row('explain', 'spec', 0, 'pfs[].vfs: a whole number'),
  row('explain', 'NO_MMIO_SPACE -o json', 0, 'Above 4G Decoding'),
  row('explain', 'NUMVFS_EIO -o yaml', 0, 'number of VFs failed'),
  row('completion', 'bash', 0, 'complete -F _sriovctl'),
  row('completion', 'fish', 0, 'complete -c sriovctl'),
  row('completion', 'zsh', 0, '#compdef sriovctl'),
  row('schema', '', 0, '"title": "The spec file of sriovctl"'),
  row('schema', 'run -o json', 0, 'sriovctl-run-v1.json'),
  row('schema', 'end -o yaml', 0, 'sriovctl-end-v1.json'),
];
