import type { ExitReason } from '../errors.ts';
import type { Outcome } from '../events.ts';

const reasons: Readonly<Record<Outcome, ExitReason>> = {
  'in-sync': 'ok',
  applied: 'ok',
  drifted: 'failed',
  unknown: 'cannotVerify',
  outstanding: 'outstanding',
  'reboot-required': 'rebootRequired',
  refused: 'refused',
  'rolled-back': 'failed',
  'rollback-incomplete': 'rollbackIncomplete',
  interrupted: 'interrupted',
};

/** The row of the table of exit codes that an outcome ends with. */
export const exitOf = (outcome: Outcome): ExitReason => reasons[outcome];
