import type { VfSettings } from '../resolved-spec.ts';

/** Settings that a driver's answer is known for; `qinq` is VLAN protocol 802.1ad. */
export type RefusableSetting = keyof VfSettings | 'qinq';

/**
 * What is known of the driver of a family of PFs. All of it is a hint for the words of a message: what
 * a card can do is what sysfs says, and what is not listed here is tried.
 */
export interface KnownDriver {
  readonly driver: string;
  readonly vfDriver: string;
  readonly vendor: string;
  /** PCI device ids, `x` for any digit. */
  readonly pfs: readonly string[];
  readonly vfs: readonly string[];
  /** Where the kernel's source keeps the VF driver, below drivers/net/ethernet. */
  readonly source: string;
  /** Settings that the driver always refuses, with its errno. */
  readonly refuses: Readonly<Partial<Record<RefusableSetting, string>>>;
  /** A rate limit is compared with the speed of the link: it is refused while there is none. */
  readonly rateNeedsLink?: true;
  /** In which state the VFs have to be for a change of the switch's mode; left out where it has none. */
  readonly eswitch?: 'without-vfs' | 'with-unbound-vfs';
  /** What makes the firmware offer this number of VFs. */
  readonly firmware?: (address: string, count: number) => string;
}

/** A missing ndo_set_vf_… is EOPNOTSUPP for all drivers (do_setvfinfo, net/core/rtnetlink.c). */
const without = (...settings: RefusableSetting[]): Partial<Record<RefusableSetting, string>> =>
  Object.fromEntries(settings.map((setting) => [setting, 'EOPNOTSUPP']));

/** GUIDs are for InfiniBand (ipoib), and only mlx5 and ice give VFs other numbers of vectors. */
const ethernet = without('nodeGuid', 'portGuid');
const usual = { ...ethernet, ...without('msix') };
const onlyDot1q = { qinq: 'EPROTONOSUPPORT' };
const noMinimum = { minTxRate: 'EINVAL' };

const mlxconfig = (address: string, count: number): string =>
  `Run \`mstconfig -d ${address} set SRIOV_EN=1 NUM_OF_VFS=${count}\` (mstflint; mlxconfig in NVIDIA's own tools), then power-cycle.`;
const sfboot = (_address: string, count: number): string =>
  `Run \`sfboot switch-mode=sriov vf-count=${count}\` (sfutils), then power-cycle.`;

const ids = (text: string): readonly string[] => text.split(' ');

/** From the drivers' own tables and ndo_set_vf_… functions in drivers/net/ethernet, Linux 6.12. */
export const knownDrivers: readonly KnownDriver[] = [
  {
    driver: 'igb',
    vfDriver: 'igbvf',
    vendor: '8086',
    pfs: ids('10c9 10e6 10e7 10e8 150a 150d 1518 1526'),
    vfs: ids('10ca'),
    source: 'intel/igbvf',
    refuses: { ...usual, ...without('linkState'), ...onlyDot1q, ...noMinimum },
    rateNeedsLink: true,
  },
  // The I350 has no rate limiter: igb_ndo_set_vf_bw asks for an 82576.
  {
    driver: 'igb',
    vfDriver: 'igbvf',
    vendor: '8086',
    pfs: ids('1521 1522 1523 1524'),
    vfs: ids('1520'),
    source: 'intel/igbvf',
    refuses: { ...usual, ...without('linkState', 'minTxRate', 'maxTxRate'), ...onlyDot1q },
  },
  {
    driver: 'ixgbe',
    vfDriver: 'ixgbevf',
    vendor: '8086',
    pfs: ids(
      '10f7 10f8 10f9 10fb 10fc 1507 1514 1517 151c 1528 1529 152a 154a 154d 154f 1557 1558 1560 1563 15aa 15ab 15ac 15ad 15ae 15b0 15c2 15c3 15c4 15c6 15c7 15c8 15ce 15d1 15e4 15e5 57ae 57af 57b0 57b1 57b2',
    ),
    vfs: ids('10ed 1515 1565 15a8 15c5 57ad 152e 1530 1564 15a9'),
    source: 'intel/ixgbevf',
    refuses: { ...usual, ...onlyDot1q, ...noMinimum },
    rateNeedsLink: true,
  },
  {
    driver: 'i40e',
    vfDriver: 'iavf',
    vendor: '8086',
    pfs: ids(
      '0cf8 0d58 0dd2 0dda 104e 104f 1572 1574 1580 1581 1583 1584 1585 1586 1587 1588 1589 158a 158b 15ff 37ce 37cf 37d0 37d1 37d2 37d3',
    ),
    vfs: ids('154c 37cd 1571'),
    source: 'intel/iavf',
    refuses: { ...usual, ...onlyDot1q, ...noMinimum },
    rateNeedsLink: true,
  },
  {
    driver: 'ice',
    vfDriver: 'iavf',
    vendor: '8086',
    pfs: ids(
      '124c 124d 124e 124f 1249 124a 12d1 12d2 12d3 12d4 12d5 12d8 12da 12dc 12dd 12de 151d 1591 1592 1593 1599 159a 159b 1888 188a 188b 188c 188d 188e 1890 1891 1892 1893 1894 1897 1898 1899 189a 579c 579d 579e 579f',
    ),
    vfs: ids('1889'),
    source: 'intel/iavf',
    refuses: ethernet,
    // "Changing eswitch mode is allowed only if there is no VFs created" (ice_eswitch_mode_set).
    eswitch: 'without-vfs',
  },
  {
    driver: 'idpf',
    vfDriver: 'idpf',
    vendor: '8086',
    pfs: ids('1452'),
    vfs: ids('145c'),
    source: 'intel/idpf',
    refuses: usual,
  },
  {
    driver: 'fm10k',
    vfDriver: 'fm10k',
    vendor: '8086',
    pfs: ids('15a4 15d0 15d5'),
    vfs: ids('15a5'),
    source: 'intel/fm10k',
    refuses: { ...usual, ...without('spoofCheck', 'trust', 'linkState'), ...onlyDot1q },
  },
  {
    driver: 'mlx5_core',
    vfDriver: 'mlx5_core',
    vendor: '15b3',
    pfs: ids(
      '1011 1013 1015 1017 1019 101b 101d 101f 1021 1023 1025 1027 2101 a2d2 a2d6 a2dc a2df',
    ),
    vfs: ids('1012 1014 1016 1018 101a 101c 101e a2d3'),
    source: 'mellanox/mlx5/core',
    refuses: onlyDot1q,
    eswitch: 'with-unbound-vfs',
    firmware: mlxconfig,
  },
  {
    driver: 'mlx4_core',
    vfDriver: 'mlx4_core',
    vendor: '15b3',
    pfs: ids('1003 1005 1006 1007 6340 634a 6354 6368 6372 6732 673c 6746 6750 675a 6764 676e'),
    vfs: ids('1002 1004'),
    source: 'mellanox/mlx4',
    refuses: { ...without('trust', 'msix'), minTxRate: 'EPROTONOSUPPORT' },
    firmware: mlxconfig,
  },
  {
    driver: 'bnxt_en',
    vfDriver: 'bnxt_en',
    vendor: '14e4',
    pfs: ids(
      '1604 1605 1614 16c0 16c8 16c9 16ca 16cc 16cd 16ce 16cf 16d0 16d1 16d2 16d4 16d5 16d6 16d7 16d8 16d9 16de 16df 16e2 16e3 16e7 16e8 16e9 16ea 16eb 16ec 16ed 16ee 16ef 16f0 16f1 175x 176x d80x',
    ),
    vfs: ids(
      '1606 1607 1608 1609 16bd 16c1 16c2 16c3 16c4 16c5 16cb 16d3 16dc 16e1 16e5 16e6 1806 1807 1808 1809 1819 181b',
    ),
    source: 'broadcom/bnxt',
    refuses: { ...usual, ...onlyDot1q },
    eswitch: 'with-unbound-vfs',
  },
  {
    driver: 'bnx2x',
    vfDriver: 'bnx2x',
    vendor: '14e4',
    pfs: ids('1662 1663 168a 168d 168e 16a1 16a2 16a4 16a5 16ab 16ae'),
    vfs: ids('163f 166f 16a9 16ad 16af'),
    source: 'broadcom/bnx2x',
    refuses: { ...usual, ...without('minTxRate', 'maxTxRate', 'trust'), ...onlyDot1q },
  },
  {
    driver: 'cxgb4',
    vfDriver: 'cxgb4vf',
    vendor: '1425',
    pfs: ids('40xx 44xx 50xx 54xx 60xx 64xx'),
    vfs: ids('48xx 58xx 68xx'),
    source: 'chelsio/cxgb4vf',
    // A VLAN with a priority is refused as another protocol is (cxgb4_mgmt_set_vf_vlan).
    refuses: {
      ...usual,
      ...without('spoofCheck', 'trust'),
      ...onlyDot1q,
      ...noMinimum,
      qos: 'EPROTONOSUPPORT',
    },
  },
  {
    driver: 'qede',
    vfDriver: 'qede',
    vendor: '1077',
    pfs: ids('1634 1636 1644 1654 1656 1666 8070'),
    vfs: ids('1664 8090'),
    source: 'qlogic/qede',
    refuses: { ...usual, ...onlyDot1q },
  },
  {
    driver: 'qlcnic',
    vfDriver: 'qlcnic',
    vendor: '1077',
    pfs: ids('8020 8030 8040 8830'),
    vfs: ids('8430 8440 8c30'),
    source: 'qlogic/qlcnic',
    refuses: { ...usual, ...without('trust', 'linkState'), ...onlyDot1q },
  },
  {
    driver: 'sfc',
    vfDriver: 'sfc',
    vendor: '1924',
    pfs: ids('0903 0923 0a03 0b03 0c03'),
    vfs: ids('1903 1923 1a03 1b03'),
    source: 'sfc',
    refuses: { ...usual, ...without('minTxRate', 'maxTxRate', 'trust'), ...onlyDot1q },
    firmware: sfboot,
  },
  {
    driver: 'nfp',
    vfDriver: 'nfp',
    vendor: '19ee',
    pfs: ids('3800 4000 5000 6000'),
    vfs: ids('3803 6003'),
    source: 'netronome/nfp',
    refuses: usual,
    eswitch: 'with-unbound-vfs',
  },
  {
    driver: 'hns3',
    vfDriver: 'hns3',
    vendor: '19e5',
    pfs: ids('a220 a221 a222 a223 a224 a225 a226 a228'),
    vfs: ids('a22e a22f'),
    source: 'hisilicon/hns3',
    refuses: { ...usual, ...onlyDot1q, ...noMinimum },
  },
  {
    driver: 'hinic',
    vfDriver: 'hinic',
    vendor: '19e5',
    pfs: ids('0200 0205 0210 1822'),
    vfs: ids('375e'),
    source: 'huawei/hinic',
    refuses: { ...usual, ...onlyDot1q },
  },
  {
    driver: 'rvu_nicpf',
    vfDriver: 'rvu_nicvf',
    vendor: '177d',
    pfs: ids('a063'),
    vfs: ids('a064 a0f8'),
    source: 'marvell/octeontx2/nic',
    refuses: {
      ...usual,
      ...without('minTxRate', 'maxTxRate', 'spoofCheck', 'linkState'),
      ...onlyDot1q,
    },
  },
  {
    driver: 'liquidio',
    vfDriver: 'liquidio_vf',
    vendor: '177d',
    pfs: ids('9702'),
    vfs: ids('9712'),
    source: 'cavium/liquidio',
    refuses: { ...usual, ...without('minTxRate', 'maxTxRate'), ...onlyDot1q },
    eswitch: 'with-unbound-vfs',
  },
  {
    driver: 'octeon_ep',
    vfDriver: 'octeon_ep_vf',
    vendor: '177d',
    pfs: ids('b100 b200 b400 b600 b900 ba00 bc00 bd00'),
    vfs: ids('b103 b203 b403 b603 b903 ba03 bc03 bd03'),
    source: 'marvell/octeon_ep_vf',
    refuses: usual,
  },
  {
    driver: 'ena',
    vfDriver: 'ena',
    vendor: '1d0f',
    pfs: ids('0ec2 1ec2'),
    vfs: ids('ec20 ec21'),
    source: 'amazon/ena',
    refuses: {
      ...usual,
      ...without(
        'mac',
        'vlan',
        'qos',
        'minTxRate',
        'maxTxRate',
        'spoofCheck',
        'trust',
        'linkState',
      ),
    },
  },
  {
    driver: 'ionic',
    vfDriver: 'ionic',
    vendor: '1dd8',
    pfs: ids('1002'),
    vfs: ids('1003'),
    source: 'pensando/ionic',
    refuses: { ...usual, ...onlyDot1q },
  },
  {
    driver: 'be2net',
    vfDriver: 'be2net',
    vendor: '10df',
    pfs: ids('e220 0720'),
    vfs: ids('e228 0728'),
    source: 'emulex/benet',
    refuses: { ...usual, ...without('trust'), ...onlyDot1q, ...noMinimum },
  },
  {
    driver: 'enic',
    vfDriver: 'enic',
    vendor: '1137',
    pfs: ids('0043'),
    vfs: ids('0071'),
    source: 'cisco/enic',
    refuses: {
      ...usual,
      ...without('vlan', 'qos', 'minTxRate', 'maxTxRate', 'spoofCheck', 'trust', 'linkState'),
    },
  },
];
