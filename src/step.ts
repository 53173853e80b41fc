import type { Change } from './change.ts';
import type { Check } from './check.ts';
import type { HostError } from './errors.ts';
import type { Problem } from './events.ts';
import type { HostView } from './host.ts';
import type { ResolvedSpec } from './resolved-spec.ts';

export type Direction = 'setup' | 'teardown';

/** A stage of the setup: a plain object that looks and plans, and cannot write. */
export interface Step {
  /** The word for --only and --skip. */
  readonly id: string;
  readonly title: string;
  /** A failing host stage takes the run's host changes back, a cluster stage only its own objects. */
  readonly scope: 'host' | 'cluster';
  /** A stage that only some specs ask for is no part of other runs: nothing is said of it. */
  asked?(spec: ResolvedSpec, host: HostView): Promise<boolean>;
  /** Why the stage does not apply to this spec and host; `undefined` if it does. Left out, it is a setup. */
  skip?(spec: ResolvedSpec, host: HostView, direction?: Direction): Promise<string | undefined>;
  /** All run before the stage's first write; a failure refuses the run. */
  readonly preflight?: readonly Check[];
  /** The changes that are still needed; empty when host and spec agree. */
  plan(spec: ResolvedSpec, host: HostView): Promise<readonly Change[]>;
  /** The changes that take out what the stage installed, and nothing that was there before. */
  teardown?(spec: ResolvedSpec, host: HostView): Promise<readonly Change[]>;
  /** A stage that is of use before a reboot that an earlier stage waits for. */
  readonly runsBeforeReboot?: boolean;
  /** What must hold besides the empty plan. */
  readonly checks?: readonly Check[];
  /** What is still to come of a change that the host is at, by a look that cannot block. */
  awaited?(change: Change, host: HostView): Promise<string | undefined>;
  /** Turns an error of one of the stage's changes into cause and remedy, by looking at the host. */
  explain?(
    error: HostError,
    change: Change,
    spec: ResolvedSpec,
    host: HostView,
  ): Promise<Problem | undefined>;
  /** How long the engine waits for plan and checks to come clean, in milliseconds. */
  settleMs?(spec: ResolvedSpec): number;
}
