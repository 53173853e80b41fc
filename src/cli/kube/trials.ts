import type { Command } from 'commander';
import { exitCodes } from '../../errors.ts';
import { diagnose } from '../../kube/diagnose/diagnose.ts';
import { gatherEvidence, onNodeAlone } from '../../kube/diagnose/evidence.ts';
import { smoke } from '../../kube/smoke.ts';
import { siteOf } from '../../kube/stage.ts';
import { documentSchema } from '../../report/json.ts';
import { emit } from '../output.ts';
import type { Streams } from '../streams.ts';
import { subcommand } from './subcommand.ts';
import { type KubeCommandFlags, openTarget } from './target.ts';

export const smokeTest = (streams: Streams): Command =>
  subcommand('smoke', 'start a pod on each pool and see that it has its VF')
    .option('--ping', 'ping between the VFs of two pods, too')
    .action(async (flags: KubeCommandFlags & { readonly ping?: boolean }) => {
      const { host, spec } = await openTarget(flags, streams, { withoutPfs: true });
      const findings = await smoke({ ...(await siteOf(spec, host)), host }, flags);
      const lines = findings.map(({ ok, id, detail, hint }) =>
        [`${ok ? '✔' : '✖'} ${id}: ${detail}`, ...(hint === undefined ? [] : [`  ${hint}`])].join(
          '\n',
        ),
      );
      await emit(streams, flags, {
        document: { schema: documentSchema, command: 'kube smoke', findings },
        texts: { text: () => `${lines.join('\n')}\n` },
      });
      const failed = findings.length === 0 || findings.some(({ ok }) => !ok);
      streams.exitCode = exitCodes[failed ? 'failed' : 'ok'].code;
    });

export const diagnosis = (streams: Streams): Command =>
  subcommand('diagnose', 'look for the known failures, and change nothing').action(
    async (flags: KubeCommandFlags) => {
      const { host, spec } = await openTarget(flags, streams, { withoutPfs: true });
      const { cluster, settings } = await siteOf(spec, host);
      const found = diagnose(await gatherEvidence(cluster, host, settings));
      const skipped = cluster.here
        ? []
        : onNodeAlone.map((what) => ({ what, because: `it is seen on ${cluster.node} alone` }));
      const lines = [
        ...found.map(
          ({ id, shownBy, cause, remedy }) => `✖ ${shownBy} [${id}]\n  ${cause}\n  ${remedy}`,
        ),
        ...(found.length === 0 ? ['None of the known failures is there.'] : []),
        ...skipped.map(({ what, because }) => `- skipped: ${what}; ${because}`),
      ];
      await emit(streams, flags, {
        document: { schema: documentSchema, command: 'kube diagnose', findings: found, skipped },
        texts: { text: () => `${lines.join('\n')}\n` },
      });
      streams.exitCode = exitCodes[found.length === 0 ? 'ok' : 'failed'].code;
    },
  );
