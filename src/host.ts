/** An absolute path on the host that is set up, whatever folder stands for its root. */
export type HostPath = `/${string}`;

/** What a directory entry is, without following a link. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'link';
  /** Permission bits, for example 0o644. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Reads of a host's file system. Links are followed in every part of a path but the last one of
 * `stat` and `readLink`. `undefined` means ENOENT or ENODEV and nothing else; any other errno is
 * a `HostError`.
 */
export interface HostFs {
  readText(path: HostPath): Promise<string | undefined>;
  /** The target as it is spelled in the link. */
  readLink(path: HostPath): Promise<string | undefined>;
  /** Names in a directory, in no particular order. */
  list(path: HostPath): Promise<readonly string[] | undefined>;
  stat(path: HostPath): Promise<FileStat | undefined>;
}

/** A program and its arguments; never a string for a shell. */
export interface Command {
  readonly argv: readonly [program: string, ...args: string[]];
  readonly stdin?: string;
  /** Deadline in milliseconds. */
  readonly timeoutMs?: number;
}

/** `ran: false` says why there is no answer: not installed, or nothing known of it in a simulation. */
export type CommandResult =
  | {
      readonly ran: true;
      readonly exitCode: number;
      readonly stdout: string;
      readonly stderr: string;
    }
  | { readonly ran: false; readonly because: string };

/** What stages and checks get: they can look and ask, and have no way to write. */
export interface HostView {
  readonly fs: HostFs;
  /** Runs a program that only reads. */
  query(command: Command): Promise<CommandResult>;
  /** The address of the host through which its user is logged in, where that is known (SSH). */
  readonly reachedAt?: string;
}

/** An object of the Kubernetes API, as far as this program needs to know it. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** What a PF's driver keeps for one of its VFs, whatever drives the VF (ip-link(8), `vf`). */
export interface VfAttributes {
  /** `00:00:00:00:00:00` takes an assigned address back. */
  readonly mac?: string;
  /** 0 is no VLAN. */
  readonly vlan?: number;
  readonly qos?: number;
  readonly proto?: '802.1q' | '802.1ad';
  /** In Mbit/s; 0 is no limit. */
  readonly minTxRate?: number;
  readonly maxTxRate?: number;
  readonly spoofCheck?: boolean;
  readonly trust?: boolean;
  readonly linkState?: 'auto' | 'enable' | 'disable';
  readonly nodeGuid?: string;
  readonly portGuid?: string;
}

/** How a card switches between its VFs and the wire (devlink-dev(8), `eswitch`). */
export interface EswitchSettings {
  readonly mode?: 'legacy' | 'switchdev';
  readonly inlineMode?: 'none' | 'link' | 'network' | 'transport';
  readonly encapMode?: 'none' | 'basic';
}

/** One write to a host. */
export type Action =
  /** A readable attribute below /sys; its undo is the value that stood there. */
  | { readonly kind: 'attribute'; readonly path: HostPath; readonly value: string }
  /** A write-only attribute below /sys (bind, unbind, drivers_probe). */
  | { readonly kind: 'trigger'; readonly path: HostPath; readonly value: string }
  /** A whole file, replaced atomically; parents are created, owner (and mode, unless given) are kept. */
  | {
      readonly kind: 'file';
      readonly path: HostPath;
      readonly content: string;
      readonly mode?: number;
      readonly owner?: { readonly uid: number; readonly gid: number };
    }
  | { readonly kind: 'remove'; readonly path: HostPath }
  /** Loads a kernel module. */
  | { readonly kind: 'module'; readonly module: string }
  /** Sets a netdev administratively up or down. */
  | { readonly kind: 'link'; readonly netdev: string; readonly up: boolean }
  /** Settings of VFs, made through the netdev of their PF; what is left out stays as it is. */
  | {
      readonly kind: 'vf';
      readonly netdev: string;
      readonly vfs: readonly ({ readonly index: number } & VfAttributes)[];
    }
  /** The switch of a PF; what is left out stays as it is. */
  | { readonly kind: 'eswitch'; readonly address: string; readonly settings: EswitchSettings }
  /** A command whose effect is none of the kinds above. */
  | { readonly kind: 'command'; readonly command: Command }
  /** A Kubernetes object and the command that applies it. */
  | { readonly kind: 'object'; readonly object: KubeObject; readonly command: Command }
  /** Makes generated files from `after`; runs once after them, also when they are restored. */
  | {
      readonly kind: 'regenerate';
      readonly command: Command;
      readonly after: readonly HostPath[];
      /** The files it makes, as far as they are known: they are as they were where it fails. */
      readonly generates?: readonly HostPath[];
    };

/** What the engine gets: a view that can be written to, and the host's clock. */
export interface Host extends HostView {
  /** A simulation predicts; what cannot be modelled is then skipped, by this word alone. */
  readonly simulated: boolean;
  /** MACs that a simulation drew: the host it stands for will draw others. */
  readonly drawnMacs?: ReadonlySet<string>;
  /** @throws HostError with the errno, or with the command's exit code and output. */
  perform(action: Action): Promise<void>;
  /** Milliseconds of the host's own clock, from any start. */
  now(): number;
  /** Lets time pass: a real host sleeps, a simulated one lets its pending events happen. */
  wait(ms: number): Promise<void>;
}
