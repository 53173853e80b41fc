const assignBusses = /^pci=(.*,)?assign-busses/;

/** Arguments that help against a failing VF creation, with what they are known to do besides. */
const sideEffects: readonly (readonly [argument: RegExp, effect: string])[] = [
  [
    assignBusses,
    'all bus numbers are given out anew at boot: PCI addresses and names such as enp1s0f0 change, and firmware tables that name buses (DMAR, IVRS) can go stale',
  ],
  [
    /^pci=(.*,)?realloc(=on)?(,|$)/,
    'bridge windows are given out anew at boot: other devices may move or lose memory space (console framebuffer, hotplug slots, option ROMs)',
  ],
  [
    /^pci=(.*,)?hpbussize=/,
    'only buses behind hotplug bridges are reserved, and only where the kernel numbers the buses itself',
  ],
  [/^iommu=pt|^iommu\.passthrough=1/, 'drivers of the host itself no longer go through the IOMMU'],
];

/** What else the arguments do at the next boot; `undefined` if nothing is known. */
export const sideEffectsOf = (added: readonly string[]): string | undefined => {
  const known = sideEffects.flatMap(([pattern, effect]) => {
    const argument = added.find((candidate) => pattern.test(candidate));
    return argument === undefined ? [] : [`${argument}: ${effect}`];
  });
  return known.length === 0 ? undefined : known.join('; ');
};

/** Whether PCI addresses, and names that are made from them, are others after the next boot. */
export const renumbersBuses = (argument: string): boolean => assignBusses.test(argument);

/** Why a file is changed, and which boot system was found. */
export const wantedReason = (added: readonly string[], system: string): string =>
  `${added.join(' ')} ${added.length > 1 ? 'are' : 'is'} to be on the kernel command line (${system})`;
