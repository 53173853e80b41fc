import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { exitCodes } from '../../errors.ts';
import { diffObjects } from '../../kube/diff.ts';
import { installerRole } from '../../kube/installer-role.ts';
import { nodeSettings } from '../../kube/node-settings.ts';
import { siteConfig } from '../../kube/pools/node-config.ts';
import { sitePools } from '../../kube/pools/published-pools.ts';
import { readPools } from '../../kube/pools/read-pools.ts';
import { nodeLabelCommand, renderFiles, renderKustomize } from '../../kube/render.ts';
import { siteOf } from '../../kube/stage.ts';
import { allWanted, everyKind } from '../../kube/wanted.ts';
import { renderYaml } from '../../kube/yaml.ts';
import { documentSchema } from '../../report/json.ts';
import { emit } from '../output.ts';
import type { Streams } from '../streams.ts';
import { subcommand } from './subcommand.ts';
import { type KubeCommandFlags, nodeNameOf, openTarget } from './target.ts';

export const render = (streams: Streams): Command =>
  subcommand('render', 'print the objects; no cluster is asked')
    .option('--kustomize <dir>', 'write a kustomize folder instead')
    .action(async (flags: KubeCommandFlags & { readonly kustomize?: string }) => {
      const target = await openTarget(flags, streams, { byNameAlone: true });
      const { host, spec } = target;
      const settings = await nodeSettings(spec, host);
      const node = await nodeNameOf(target);
      const files = renderFiles(settings, node, await readPools(spec, host.fs));
      const label = nodeLabelCommand(settings, node);
      if (label !== undefined) streams.stderr.write(`The node needs its labels: ${label}\n`);
      if (flags.kustomize !== undefined) {
        mkdirSync(flags.kustomize, { recursive: true });
        for (const [name, text] of renderKustomize(files)) {
          writeFileSync(join(flags.kustomize, name), text);
        }
        return;
      }
      const objects = files.flatMap((file) => file.objects);
      await emit(streams, flags, {
        document: { apiVersion: 'v1', kind: 'List', items: objects },
        texts: { text: () => renderYaml(objects) },
      });
    });

export const diff = (streams: Streams): Command =>
  subcommand('diff', 'show what the API server would change').action(
    async (flags: KubeCommandFlags) => {
      const { host, spec } = await openTarget(flags, streams);
      const site = await siteOf(spec, host);
      const pools = await sitePools(site);
      const config = pools.length === 0 ? undefined : await siteConfig(site, pools);
      const wanted = allWanted(site.settings, site.cluster.node, pools, config);
      const text = await diffObjects(site.cluster, host, wanted);
      await emit(streams, flags, {
        document: { schema: documentSchema, command: 'kube diff', diff: text },
        texts: { text: () => text },
      });
      streams.exitCode = exitCodes[text === '' ? 'ok' : 'outstanding'].code;
    },
  );

export const rbac = (streams: Streams): Command =>
  subcommand('rbac', 'print the smallest role that apply gets along with').action(
    async (flags: KubeCommandFlags) => {
      const target = await openTarget(flags, streams, { byNameAlone: true, withoutPfs: true });
      const settings = await nodeSettings(target.spec, target.host);
      const role = installerRole(everyKind(settings, await nodeNameOf(target)));
      await emit(streams, flags, {
        document: { ...role },
        texts: { text: () => renderYaml([role]) },
      });
    },
  );
