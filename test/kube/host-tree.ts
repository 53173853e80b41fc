import type { HostFs, HostPath } from '../../src/host.ts';

/** A network function of a host made up for a test. */
export interface TestFunction {
  readonly address: string;
  readonly vendor?: string;
  readonly device?: string;
  readonly driver?: string | undefined;
  readonly netdev?: string;
  readonly rdma?: boolean;
}

export interface TestPf extends TestFunction {
  readonly vfs?: readonly (TestFunction | undefined)[];
}

/** Files and links of a host in memory; folders are where something lies in them. */
export class HostTree implements HostFs {
  readonly files = new Map<string, string>();
  readonly links = new Map<string, string>();
  readonly hostname: string;

  constructor(hostname: string) {
    this.hostname = hostname;
    this.files.set('/proc/sys/kernel/hostname', `${hostname}\n`);
  }

  readText(path: HostPath): Promise<string | undefined> {
    return Promise.resolve(this.files.get(path));
  }

  readLink(path: HostPath): Promise<string | undefined> {
    return Promise.resolve(this.links.get(path));
  }

  list(path: HostPath): Promise<readonly string[] | undefined> {
    const names = [...this.files.keys(), ...this.links.keys()]
      .filter((one) => one.startsWith(`${path}/`))
      .map((one) => one.slice(path.length + 1).split('/')[0] ?? '');
    return Promise.resolve(names.length === 0 ? undefined : [...new Set(names)]);
  }

  stat(path: HostPath) {
    const rights = { mode: 0o644, uid: 0, gid: 0 };
    if (this.files.has(path)) return Promise.resolve({ kind: 'file', ...rights } as const);
    if (this.links.has(path)) return Promise.resolve({ kind: 'link', ...rights } as const);
    return this.list(path).then((names) =>
      names === undefined ? undefined : ({ kind: 'directory', ...rights } as const),
    );
  }

  addPf(pf: TestPf): this {
    this.#addFunction(pf);
    this.files.set(`${devices}/${pf.address}/sriov_totalvfs`, '7\n');
    this.setVfs(pf, pf.vfs ?? []);
    return this;
  }

  /** A function that has nothing to do with SR-IOV. */
  addNic(nic: TestFunction): this {
    this.#addFunction(nic);
    return this;
  }

  /** `undefined` leaves a gap in the numbering. */
  setVfs(pf: TestFunction, vfs: readonly (TestFunction | undefined)[]): void {
    for (const path of [...this.links.keys()]) {
      if (path.startsWith(`${devices}/${pf.address}/virtfn`)) this.links.delete(path);
    }
    this.files.set(`${devices}/${pf.address}/sriov_numvfs`, `${vfs.length}\n`);
    for (const [index, vf] of vfs.entries()) {
      if (vf === undefined) continue;
      this.#addFunction(vf);
      this.links.set(`${devices}/${pf.address}/virtfn${index}`, `../${vf.address}`);
      this.links.set(`${devices}/${vf.address}/physfn`, `../${pf.address}`);
    }
  }

  setDriver(address: string, driver: string | undefined): void {
    const path = `${devices}/${address}/driver`;
    if (driver === undefined) this.links.delete(path);
    else this.links.set(path, `../../../bus/pci/drivers/${driver}`);
  }

  #addFunction({ address, vendor = '8086', device = '1520', driver, netdev, rdma }: TestFunction) {
    const folder = `${devices}/${address}`;
    this.files.set(`${folder}/class`, '0x020000\n');
    this.files.set(`${folder}/vendor`, `0x${vendor}\n`);
    this.files.set(`${folder}/device`, `0x${device}\n`);
    this.setDriver(address, driver);
    if (rdma === true) this.files.set(`${folder}/infiniband/mlx5_0/node_type`, '1: CA\n');
    if (netdev === undefined) return;
    this.files.set(`${folder}/net/${netdev}/type`, '1\n');
    this.links.set(`/sys/class/net/${netdev}/device`, `../../../${address}`);
    this.files.set(`/sys/class/net/${netdev}/type`, '1\n');
    this.files.set(`/sys/class/net/${netdev}/flags`, '0x1003\n');
  }
}

const devices = '/sys/bus/pci/devices';

/** The tutorial's card: two I350 ports, four VFs on the first. */
export const i350 = (hostname = 'node1'): HostTree =>
  new HostTree(hostname)
    .addPf({ ...port0, vfs: i350Vfs(4) })
    .addPf({ address: '0000:01:00.1', device: '1521', driver: 'igb', netdev: 'enp1s0f1' })
    .addNic({
      address: '0000:05:00.0',
      vendor: '10ec',
      device: '8168',
      driver: 'r8169',
      netdev: 'enp5s0',
    });

export const port0: TestPf = {
  address: '0000:01:00.0',
  device: '1521',
  driver: 'igb',
  netdev: 'enp1s0f0',
};

const i350Addresses = ['02:10.0', '02:10.4', '02:11.0', '02:11.4', '02:12.0', '02:12.4', '02:13.0'];

export const i350Vfs = (count: number, driver: string | undefined = 'igbvf'): TestFunction[] =>
  i350Addresses.slice(0, count).map((address, index) => ({
    address: `0000:${address}`,
    driver,
    ...(driver === 'igbvf' && { netdev: `enp1s0f0v${index}` }),
  }));
