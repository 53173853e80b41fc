import type { HostPath } from '../host.ts';

/** Every path outside /sys and /proc that is installed for the next boot is spelled here. */

export const scriptPath: HostPath = '/etc/sriovctl/boot.sh';
export const bootUnit = 'sriovctl-boot.service';
export const bootUnitPath: HostPath = `/etc/systemd/system/${bootUnit}`;
export const pfUnitPath: HostPath = '/etc/systemd/system/sriovctl-pf@.service';
/** What `systemctl enable` makes: the unit is part of every boot while it is there. */
export const enabledPath: HostPath = `/etc/systemd/system/multi-user.target.wants/${bootUnit}`;
export const tagRulesPath: HostPath = '/etc/udev/rules.d/90-sriovctl.rules';
export const networkManagerRulesPath: HostPath =
  '/etc/udev/rules.d/90-sriovctl-networkmanager.rules';
export const recordPath: HostPath = '/var/lib/sriovctl/persist.json';

/** A folder that exists while systemd is PID 1 (sd_booted(3)). */
export const systemdRunning: HostPath = '/run/systemd/system';

/** The unit that sets up one PF which has got its driver late, or anew. */
export const pfUnit = (address: string): string => `sriovctl-pf@${address}.service`;
