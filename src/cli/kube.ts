import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { verify } from '../engine/verify.ts';
import { exitCodes, SriovctlError } from '../errors.ts';
import type { Host } from '../host.ts';
import { requireCluster } from '../kube/cluster.ts';
import { diagnose } from '../kube/diagnose/diagnose.ts';
import { gatherEvidence } from '../kube/diagnose/evidence.ts';
import { diffObjects } from '../kube/diff.ts';
import { hostnameOf } from '../kube/hostname.ts';
import { installerRole } from '../kube/installer-role.ts';
import { lintPluginConfig } from '../kube/lint/plugin-config.ts';
import { nodeSettings } from '../kube/node-settings.ts';
import { nodeLabelCommand, renderFiles, renderKustomize } from '../kube/render.ts';
import { smoke } from '../kube/smoke.ts';
import { readPools } from '../kube/stage.ts';
import { allWanted, everyKind } from '../kube/wanted.ts';
import { renderYaml } from '../kube/yaml.ts';
import { documentSchema, runDocument } from '../report/json.ts';
import { verifyText } from '../report/verify-text.ts';
import type { ResolvedSpec } from '../resolved-spec.ts';
import { resolveSpec } from '../spec/node-spec.ts';
import { steps } from '../steps/index.ts';
import { exitOf } from './exit.ts';
import { addPfFlags, addStageFlags, type StageFlags } from './options.ts';
import { addOutputFlags, emit, type OutputFlags } from './output.ts';
import { openRun, openTraced, runStages, type WritingFlags } from './run-stages.ts';
import type { Streams } from './streams.ts';
import { type WantedOptions, wantedSpec } from './wanted.ts';

const clusterSteps = steps.filter(({ scope }) => scope === 'cluster');

type Flags = StageFlags & OutputFlags;

interface Opened {
  readonly host: Host;
  readonly spec: ResolvedSpec;
}

/** What is asked of the cluster alone: a workstation has no PF to name. */
const ofCluster: WantedOptions = { withoutPfs: true };

/** `sriovctl kube`: the Kubernetes half alone, and what only it has. */
export const kubeCommand = (streams: Streams): Command => {
  const command = new Command('kube')
    .addHelpText(
      'after',
      '\nExamples:\n  sriovctl kube render --pf enp1s0f0 --vfs 4\n  sriovctl kube verify --pf enp1s0f0 --vfs 4',
    )
    .summary('the Kubernetes half: render, diff, apply, verify, smoke, diagnose, teardown')
    .description('Work on the objects in the cluster, and leave the host as it is.');
  for (const make of [
    render,
    diff,
    apply,
    verifyCluster,
    smokeTest,
    diagnosis,
    remove,
    lint,
    rbac,
  ]) {
    command.addCommand(make(streams));
  }
  return command;
};

const subcommand = (name: string, summary: string): Command =>
  addOutputFlags(addStageFlags(addPfFlags(new Command(name)), clusterSteps))
    .summary(summary)
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
    .addHelpText('after', `\nExamples:\n  sriovctl kube ${name} --pf enp1s0f0 --vfs 4`);

/** Who asks for the cluster alone does not want it left out because it cannot be reached. */
const requiring = <F extends StageFlags>(flags: F): F => ({ kube: true, ...flags });

const open = async (
  flags: Flags,
  streams: Streams,
  wanted: WantedOptions = {},
): Promise<Opened> => {
  const host = await openTraced(flags, streams);
  return { host, spec: await resolveSpec(await wantedSpec(flags, host, wanted), host) };
};

const render = (streams: Streams): Command =>
  subcommand('render', 'print the objects; no cluster is asked')
    .option('--kustomize <dir>', 'write a kustomize folder instead')
    .action(async (flags: Flags & { readonly kustomize?: string }) => {
      const { host, spec } = await open(flags, streams);
      const settings = await nodeSettings(spec.kube, host);
      const node = spec.kube.node ?? (await hostnameOf(host.fs)) ?? 'node';
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

const diff = (streams: Streams): Command =>
  subcommand('diff', 'show what the API server would change').action(async (flags: Flags) => {
    const { host, spec } = await open(flags, streams);
    const cluster = await requireCluster(spec.kube, host);
    const wanted = allWanted(
      await nodeSettings(spec.kube, host),
      cluster.node,
      await readPools(spec, host.fs),
    );
    const text = await diffObjects(cluster, host, wanted);
    await emit(streams, flags, {
      document: { schema: documentSchema, command: 'kube diff', diff: text },
      texts: { text: () => text },
    });
    streams.exitCode = exitCodes[text === '' ? 'ok' : 'outstanding'].code;
  });

const addWritingFlags = (command: Command): Command =>
  command
    .option('--dry-run', 'show every change, and make none')
    .option('--detailed-exitcode', 'with --dry-run: exit code 6 when changes are outstanding')
    .option('--force-conflicts', 'take over fields and objects that others manage')
    .option('--simulate-out <dir>', 'keep the tree that a simulated run ends with');

const apply = (streams: Streams): Command =>
  addWritingFlags(subcommand('apply', 'apply the objects and wait until they work')).action(
    async (flags: WritingFlags) => {
      const opened = await openRun(requiring(flags), streams);
      const stages = { command: 'setup', steps: chosen(flags), ...opened } as const;
      streams.exitCode = await runStages(stages, flags, streams);
    },
  );

const remove = (streams: Streams): Command =>
  addWritingFlags(subcommand('teardown', 'remove what was applied for this node')).action(
    async (flags: WritingFlags) => {
      const opened = await openRun(flags, streams, { vfsByDefault: 0, withoutPfs: true });
      const stages = { command: 'teardown', steps: chosen(flags).toReversed(), ...opened } as const;
      streams.exitCode = await runStages(stages, flags, streams);
    },
  );

const chosen = ({ only, skip = [] }: StageFlags) =>
  clusterSteps.filter(({ id }) => (only === undefined || only.includes(id)) && !skip.includes(id));

const verifyCluster = (streams: Streams): Command =>
  subcommand('verify', 'say whether the cluster is as wanted').action(async (flags: Flags) => {
    const { host, spec } = await open(requiring(flags), streams);
    const result = await verify({
      steps: chosen(flags),
      spec,
      host,
      listener: () => undefined,
    });
    const exit = exitOf(result.outcome);
    const problems = result.steps.flatMap((step) => step.problems);
    await emit(streams, flags, {
      document: runDocument({
        command: 'kube verify',
        ...result,
        exit,
        predicted: false,
        pfs: [],
        problems,
      }),
      texts: { text: () => verifyText(result.steps) },
    });
    streams.exitCode = exitCodes[exit].code;
  });

const smokeTest = (streams: Streams): Command =>
  subcommand('smoke', 'start a pod on each pool and see that it has its VF')
    .option('--ping', 'ping between the VFs of two pods, too')
    .action(async (flags: Flags & { readonly ping?: boolean }) => {
      const { host, spec } = await open(flags, streams, ofCluster);
      const cluster = await requireCluster(spec.kube, host);
      const settings = await nodeSettings(spec.kube, host);
      const findings = await smoke(cluster, host, settings, spec, flags);
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

const diagnosis = (streams: Streams): Command =>
  subcommand('diagnose', 'look for the known failures, and change nothing').action(
    async (flags: Flags) => {
      const { host, spec } = await open(flags, streams, ofCluster);
      const cluster = await requireCluster(spec.kube, host);
      const evidence = await gatherEvidence(cluster, host, await nodeSettings(spec.kube, host));
      const found = diagnose(evidence);
      const lines = found.map(
        ({ id, shownBy, cause, remedy }) => `✖ ${shownBy} [${id}]\n  ${cause}\n  ${remedy}`,
      );
      await emit(streams, flags, {
        document: { schema: documentSchema, command: 'kube diagnose', findings: found },
        texts: {
          text: () =>
            `${found.length === 0 ? 'None of the known failures is there.' : lines.join('\n')}\n`,
        },
      });
      streams.exitCode = exitCodes[found.length === 0 ? 'ok' : 'failed'].code;
    },
  );

const lint = (streams: Streams): Command =>
  addOutputFlags(new Command('lint').argument('<file>', 'a configuration of the device plugin'))
    .summary('say what the device plugin would make of a configuration')
    .description(
      'Say what the device plugin would drop, ignore or end at in a configuration; nothing else tells.',
    )
    .addHelpText('after', '\nExamples:\n  sriovctl kube lint /etc/pcidp/config.json')
    .action(async (file: string, flags: OutputFlags) => {
      const findings = lintPluginConfig(readConfig(file));
      const lines = findings.map(({ problem, hint }) => `✖ ${problem}\n  ${hint}`);
      await emit(streams, flags, {
        document: { schema: documentSchema, command: 'kube lint', findings },
        texts: { text: () => (lines.length === 0 ? '' : `${lines.join('\n')}\n`) },
      });
      streams.exitCode = exitCodes[findings.length === 0 ? 'ok' : 'failed'].code;
    });

const readConfig = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new SriovctlError('CONFIG_UNREADABLE', `${file} cannot be read (${code})`, {
      exit: 'usage',
      hint: 'Name a configuration of the device plugin, as in `kube render`.',
      cause: error,
    });
  }
};

const rbac = (streams: Streams): Command =>
  subcommand('rbac', 'print the smallest role that apply gets along with').action(
    async (flags: Flags) => {
      const { host, spec } = await open(flags, streams, ofCluster);
      const node = spec.kube.node ?? (await hostnameOf(host.fs)) ?? 'node';
      const role = installerRole(everyKind(await nodeSettings(spec.kube, host), node));
      await emit(streams, flags, {
        document: { ...role },
        texts: { text: () => renderYaml([role]) },
      });
    },
  );
