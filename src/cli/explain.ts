import { Command } from 'commander';
import { SriovctlError } from '../errors.ts';
import { documentSchema } from '../report/json.ts';
import { table } from '../report/table.ts';
import { didYouMean } from '../spec/did-you-mean.ts';
import { type Code, codeOf, codes } from './codes.ts';
import { addOutputFlags, emit, type OutputFlags } from './output.ts';
import type { KeyRow } from './spec-keys.ts';
import type { Streams } from './streams.ts';

/** `sriovctl explain`: what a code in an error or a report means. */
export const explainCommand = (streams: Streams): Command =>
  addOutputFlags(new Command('explain').argument('[code]', 'as an error or a check names it'))
    .summary('say what an error code means')
    .description(
      'Explain a code of an error or a check, a key of the spec file (`spec`), or list all codes.',
    )
    .addHelpText('after', '\nExamples:\n  sriovctl explain NO_MMIO_SPACE\n  sriovctl explain spec')
    .action(async (asked: string | undefined, flags: OutputFlags) => {
      const { keyRows } = await import('./spec-keys.ts');
      const found = asked === undefined || asked === 'spec' ? undefined : known(asked);
      const all = asked === undefined ? codes() : [];
      await emit(streams, flags, {
        document: {
          schema: documentSchema,
          command: 'explain',
          codes: found === undefined ? all : [found],
          ...(asked === 'spec' && { keys: keyRows() }),
        },
        texts: {
          text: () => {
            if (asked === 'spec') return keyRows().map(keyText).join('');
            if (found !== undefined) return `${found.code}: ${found.means}\n${found.remedy}\n`;
            const rows = all.map(({ code, means }) => [code, means]);
            return `${table(['CODE', 'MEANS'], rows).join('\n')}\n`;
          },
        },
      });
    });

const keyText = ({ key, value, meaning, byDefault }: KeyRow): string =>
  `${key}: ${value}${byDefault === '' ? '' : ` (default: ${byDefault})`}\n${meaning === '' ? '' : `  ${meaning}\n`}`;

const known = (asked: string): Code => {
  const found = codeOf(asked);
  if (found !== undefined) return found;
  const meant = didYouMean(
    asked,
    codes().map(({ code }) => code),
  );
  throw new SriovctlError('NO_SUCH_CODE', `there is no code ${JSON.stringify(asked)}`, {
    exit: 'usage',
    hint: meant === undefined ? '`sriovctl explain` lists all.' : `Did you mean ${meant}?`,
  });
};
