#!/usr/bin/env node
// Captures what sriovctl reads of this host into a folder that can stand in for it:
//
//   node scripts/capture-fixture.mjs DIR        (as root, DIR must not exist or be empty)
//
// DIR gets sys/, proc/, etc/, lib/ and boot/ with the host's own paths. Links stay relative, and one that would
// lead to something not captured is left out. `lspci -A linux-sysfs -O sysfs.path=DIR/sys/bus/pci` works on it.
//
// What a checkout cannot hold stands in DIR/MANIFEST, a line each, sorted by path, which is the host's own absolute
// path (links resolved) and the rest of the line:
//
//   dir <path>                       an empty folder
//   mode <octal> <path>              a file whose permission bits are not 644, e.g. `mode 444 /sys/…/vendor`;
//                                    one nobody may read, like a driver's `bind` (200), is kept as an empty file
//   errno <NAME> <read|write> <path> reading fails with this errno, e.g. `speed` of an interface that is down; kept
//                                    as an empty file. NAME is Node's `error.code`. No capture tries a write; such
//                                    lines are added by hand.
//
// Nothing is written to the host. Reading `sriov_numvfs` waits for a running change of that card.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const bdf = /^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;
const configSize = 4096;

/** Of a PCI function: large, slow or harmful to read, or of no interest. */
const unwantedOfFunction = /^(rom|vpd|resource\d.*)$/;

/** There can be hundreds of virtual interfaces on a node; these attributes tell them apart. */
const wantedOfVirtualInterface = /^(address|flags|ifindex|iflink|mtu|operstate|type|uevent)$/;

/** @type {string} */
let destination = '';
/** @type {string[][]} path, then line */
const manifest = [];

main();

function main() {
  const [directory, ...rest] = process.argv.slice(2);
  if (directory === undefined || rest.length > 0) fail('usage: capture-fixture.mjs DIR');
  if (process.getuid?.() !== 0)
    fail('capture-fixture.mjs: run as root, or most of a card is unreadable');
  if (fs.existsSync(directory) && fs.readdirSync(directory).length > 0) {
    fail(`capture-fixture.mjs: ${directory} is not empty`);
  }
  destination = path.resolve(directory);

  capturePciDevices();
  capturePciBus();
  captureInterfaces();
  captureIommu();
  const networkModules = captureModuleIndex();
  captureModules(networkModules);
  captureFirmwareTables();
  captureUdev();
  captureTexts();

  removeDanglingLinks();
  noteEmptyFolders(destination);
  writeManifest();
}

function capturePciDevices() {
  for (const name of list('/sys/devices')) {
    if (/^pci[0-9a-f]+:[0-9a-f]+$/.test(name)) captureFunctionsBelow(`/sys/devices/${name}`);
  }
}

/** A function behind a bridge is a folder in the bridge's. */
function captureFunctionsBelow(directory) {
  for (const name of list(directory)) {
    const entry = `${directory}/${name}`;
    if (bdf.test(name) && isDirectory(entry)) {
      captureEntries(entry, (attribute) => !unwantedOfFunction.test(attribute));
      if (isDirectory(`${entry}/net`)) makeFolder(`${entry}/net`);
      captureFunctionsBelow(entry);
    }
  }
}

function capturePciBus() {
  captureEntries('/sys/bus/pci');
  captureEntries('/sys/bus/pci/devices');
  for (const driver of list('/sys/bus/pci/drivers'))
    captureEntries(`/sys/bus/pci/drivers/${driver}`);
}

function captureInterfaces() {
  captureEntries('/sys/class/net');
  for (const name of list('/sys/class/net')) {
    const directory = resolve(`/sys/class/net/${name}`);
    if (!isDirectory(directory)) continue;
    const virtual = directory.startsWith('/sys/devices/virtual/');
    captureEntries(directory, (attribute) => !virtual || wantedOfVirtualInterface.test(attribute));
  }
}

function captureIommu() {
  captureEntries('/sys/class/iommu');
  for (const name of list('/sys/class/iommu')) captureFolder(resolve(`/sys/class/iommu/${name}`));
  captureFolder('/sys/kernel/iommu_groups');
}

/** All modules that drive PCI functions, by name and by what they drive; network and VFIO ones with parameters. */
function captureModules(networkModules) {
  for (const name of list('/sys/module')) {
    const directory = `/sys/module/${name}`;
    if (!isDirectory(directory)) continue;
    const drivers = list(`${directory}/drivers`).filter((driver) => driver.startsWith('pci:'));
    const wanted = networkModules.has(name) || name.startsWith('vfio') || name === 'iommufd';
    if (drivers.length === 0 && !wanted) continue;
    makeFolder(directory);
    for (const driver of drivers) captureEntry(`${directory}/drivers/${driver}`);
    if (!wanted) continue;
    for (const attribute of ['initstate', 'refcnt', 'version'])
      captureEntry(`${directory}/${attribute}`);
    captureEntries(`${directory}/parameters`);
  }
}

/** Ethernet and VFIO drivers with what they depend on, out of tens of thousands of lines; gives their names. */
function captureModuleIndex() {
  const folder = `/lib/modules/${os.release()}`;
  const dependencies = new Map(
    linesOf(`${folder}/modules.dep`).map((line) => {
      const [module, needed] = line.split(':');
      return [module, needed.split(' ').filter(Boolean)];
    }),
  );
  const isWanted = (module) => /\/drivers\/(net\/ethernet|vfio)\//.test(module);
  const direct = [...dependencies.keys()].filter(isWanted);
  const kept = new Set(direct.flatMap((module) => [module, ...(dependencies.get(module) ?? [])]));
  keepLines(`${folder}/modules.dep`, (line) => kept.has(line.split(':')[0]));

  const names = new Set(direct.map(moduleName));
  keepLines(`${folder}/modules.alias`, (line) => {
    const [, alias, module] = line.split(' ');
    return /^(vfio_)?pci:/.test(alias) && names.has(module);
  });
  const builtin = linesOf(`${folder}/modules.builtin`).filter(isWanted);
  keepLines(`${folder}/modules.builtin`, isWanted);
  return new Set([...names, ...builtin.map(moduleName)]);
}

/** As /sys/module and modules.alias spell it. */
function moduleName(file) {
  return path
    .basename(file)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

/** Only their names matter: DMAR, IVRS and IORT say that the firmware has the IOMMU switched on. */
function captureFirmwareTables() {
  const folder = '/sys/firmware/acpi/tables';
  for (const name of list(folder)) {
    const table = `${folder}/${name}`;
    if (fs.lstatSync(table).isFile()) keep(table, '', modeOf(table));
  }
}

/** That the folder is there says that udev runs, and names what is new. */
function captureUdev() {
  if (fs.existsSync('/run/udev'))
    fs.mkdirSync(path.join(destination, 'run/udev'), { recursive: true });
}

function captureTexts() {
  for (const file of [
    '/proc/cmdline',
    '/proc/modules',
    '/proc/version',
    '/proc/sys/kernel/osrelease',
    '/proc/sys/kernel/random/boot_id',
    '/etc/os-release',
    '/etc/default/grub',
    ...list('/etc/default/grub.d').map((name) => `/etc/default/grub.d/${name}`),
    '/boot/grub/grub.cfg',
  ]) {
    if (fs.existsSync(file)) captureFile(file);
  }
}

/** Everything below a folder, apart from runtime power management. */
function captureFolder(directory) {
  captureEntries(directory);
  for (const name of list(directory)) {
    const entry = `${directory}/${name}`;
    if (name !== 'power' && isDirectory(entry)) captureFolder(entry);
  }
}

/** The attributes and links of one folder, not the folders in it. */
function captureEntries(directory, isWanted = () => true) {
  if (!isDirectory(directory)) return;
  makeFolder(directory);
  for (const name of list(directory)) {
    const entry = `${directory}/${name}`;
    if (fs.lstatSync(entry).isSymbolicLink() || isWanted(name)) captureEntry(entry);
  }
}

function captureEntry(entry) {
  const stat = fs.lstatSync(entry, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) {
    makeFolder(path.dirname(entry));
    fs.symlinkSync(fs.readlinkSync(entry), inDestination(entry));
  } else if (stat?.isFile()) captureFile(entry);
}

function captureFile(file) {
  const mode = modeOf(file);
  if ((mode & 0o444) === 0) keep(file, '', mode);
  else {
    try {
      keep(file, path.basename(file) === 'config' ? readConfig(file) : fs.readFileSync(file), mode);
    } catch (error) {
      keep(file, '', mode);
      note(file, `errno ${error.code} read ${file}`);
    }
  }
}

/** Configuration space is up to 4096 bytes; some kernels give a size of 4096 and then fewer bytes. */
function readConfig(file) {
  const descriptor = fs.openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(configSize);
    return bytes.subarray(0, fs.readSync(descriptor, bytes, 0, configSize, 0));
  } finally {
    fs.closeSync(descriptor);
  }
}

function keepLines(file, isWanted) {
  if (!fs.existsSync(file)) return;
  const lines = linesOf(file).filter(isWanted);
  keep(file, lines.map((line) => `${line}\n`).join(''), modeOf(file));
}

function keep(file, content, mode) {
  makeFolder(path.dirname(file));
  fs.writeFileSync(inDestination(file), content, { mode: 0o644 });
  if (mode !== 0o644) note(file, `mode ${mode.toString(8)} ${file}`);
}

function note(file, line) {
  manifest.push([file, line]);
}

function makeFolder(directory) {
  fs.mkdirSync(inDestination(directory), { recursive: true });
}

/** Links into what was not captured, such as a function's ACPI node. One removed link may have been another's target. */
function removeDanglingLinks() {
  const entries = fs.readdirSync(destination, { recursive: true, withFileTypes: true });
  let links = entries.filter((entry) => entry.isSymbolicLink());
  for (let removed = true; removed; ) {
    const intact = links.filter((link) => fs.existsSync(path.join(link.parentPath, link.name)));
    for (const link of links) {
      if (!intact.includes(link)) fs.unlinkSync(path.join(link.parentPath, link.name));
    }
    removed = intact.length < links.length;
    links = intact;
  }
}

function noteEmptyFolders(directory) {
  const entries = fs.readdirSync(directory, { withFileTypes: true });
  if (entries.length === 0) {
    const original = `/${path.relative(destination, directory)}`;
    note(original, `dir ${original}`);
  }
  for (const entry of entries) {
    if (entry.isDirectory()) noteEmptyFolders(path.join(directory, entry.name));
  }
}

function writeManifest() {
  const sorted = manifest.toSorted(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  const lines = sorted.map(([, line]) => `${line}\n`).join('');
  fs.writeFileSync(path.join(destination, 'MANIFEST'), lines);
}

function compare(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function list(directory) {
  return isDirectory(directory) ? fs.readdirSync(directory).sort() : [];
}

/** Of the folder itself: a link to one is captured as a link. */
function isDirectory(entry) {
  return fs.lstatSync(entry, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function resolve(link) {
  return fs.existsSync(link) ? fs.realpathSync(link) : link;
}

function modeOf(file) {
  return fs.statSync(file).mode & 0o7777;
}

function linesOf(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

function inDestination(file) {
  return path.join(destination, file);
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
