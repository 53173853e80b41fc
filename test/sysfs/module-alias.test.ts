import { expect, test } from 'vitest';
import { modulesForModalias } from '../../src/sysfs/module-alias.ts';

const aliases = `# Aliases extracted from modules themselves.
alias pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf
alias pci:v00008086d00001521sv*sd*bc*sc*i* igb
alias pci:v00008086d00001521sv00001734sd*bc*sc*i* special
alias pci:v*d*sv*sd*bc01sc06i01* ahci
alias usb:v0B95p1790d*dc*dsc*dp*ic*isc*ip*in* ax88179_178a
`;

test.each([
  ['pci:v00008086d000010CAsv00001AF4sd00001100bc02sc00i00', ['igbvf']],
  ['pci:v00008086d00001521sv00001AF4sd00001100bc02sc00i00', ['igb']],
  ['pci:v00008086d00001521sv00001734sd00001100bc02sc00i00', ['igb', 'special']],
  ['pci:v00001AF4d00001000sv00001AF4sd00000001bc01sc06i01', ['ahci']],
  ['pci:v000015B3d00001017sv000015B3sd00000001bc02sc00i00', []],
  ['virtio:d00000001v00001AF4', []],
])('%s is driven by %j', (modalias, modules) => {
  expect(modulesForModalias(aliases, modalias)).toEqual(modules);
});
