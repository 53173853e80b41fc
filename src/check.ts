import type { HostView } from './host.ts';
import type { ResolvedSpec } from './resolved-spec.ts';

/**
 * `pending` names what is awaited: a run waits for it, a verification counts it as failed.
 * `reboot` is what only the next boot can bring: a run goes as far as it can and ends asking for it.
 */
export type CheckResult =
  | { readonly status: 'pass'; readonly detail?: string }
  | { readonly status: 'pending'; readonly awaited: string }
  | { readonly status: 'reboot'; readonly because: string }
  | {
      readonly status: 'fail';
      readonly problem: string;
      readonly hint: string;
      /** Where one check knows several failures; else it is looked up by the check's id. */
      readonly code?: string;
    }
  | { readonly status: 'skip'; readonly because: string };

/** A look at the host that changes nothing. */
export interface Check {
  /** Stable: used to look it up and in machine-readable output. */
  readonly id: string;
  /** What holds when it passes, in a few words. */
  readonly title: string;
  readonly severity: 'error' | 'warning';
  run(spec: ResolvedSpec, host: HostView): Promise<CheckResult>;
}
