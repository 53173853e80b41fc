import * as z from 'zod';

/** What `devlink -j dev eswitch show` prints, as far as it is used. */
export const eswitchAnswerSchema = z.object({
  dev: z.record(
    z.string(),
    z.object({
      mode: z.string().optional(),
      'inline-mode': z.string().optional(),
      'encap-mode': z.string().optional(),
    }),
  ),
});
