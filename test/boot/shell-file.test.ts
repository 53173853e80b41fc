import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addToVariable, removeFromVariable } from '../../src/boot/formats/shell-edit.ts';
import { parseShellFile, type ShellFile } from '../../src/boot/formats/shell-file.ts';
import { evaluateShellFiles } from '../../src/boot/formats/shell-value.ts';
import { parses, scratchFolder, shells, sourcedValues } from './shells.ts';

const path = '/etc/default/grub';
const scratch = scratchFolder();

const valueOf = (text: string, name = 'X'): string => {
  const value = evaluateShellFiles([parseShellFile(path, text)])(name);
  return value.known ? value.text : `line ${value.opaque.line}: ${value.opaque.why}`;
};

describe('plain assignments are read as a shell reads them', () => {
  test.each([
    ['the last of two assignments wins', 'X="a"\nX="b"\n', 'b'],
    ['a comment behind a closing quote', 'X="a" # b\n', 'a'],
    ['a hash that touches the quote is no comment', 'X="a"#b\n', 'a#b'],
    ['a joined line inside double quotes', 'X="a\\\nb"\n', 'ab'],
    ['a newline inside single quotes stays', "X='a\nb'\n", 'a\nb'],
    ['an escaped quote', 'X="dyndbg=\\"file x +p\\""\n', 'dyndbg="file x +p"'],
    ['two quoted pieces over a joined line', 'X="a"\\\n"b"\n', 'ab'],
    ['an escaped space', 'X=a\\ b\n', 'a b'],
    ['export', 'export X=a\n', 'a'],
    ['two statements on a line', 'X="a"; Y=5\n', 'a'],
    ['two assignments in a statement', 'Y=5 X=a\n', 'a'],
    ['CRLF leaves a carriage return in the value', 'X=a\r\nX=b\r\n', 'b\r'],
    ['its own old value', 'X="a"\nX="$X b"\nX="${X} c"\n', 'a b c'],
    ['another variable of the file', 'Y=a\nX="$Y"\n', 'a'],
    ['no value', 'X=\n', ''],
    ['nothing of it', 'Y=1\n', ''],
    ['no newline at the end', 'X=a', 'a'],
    ['a backslash that escapes nothing', 'X="a\\b"\n', 'a\\b'],
    ['a command substitution for another variable', 'Y=`a || b`\nX=c\nZ="$(d \'e)\' "f")"\n', 'c'],
  ])('%s', (_, text, value) => {
    expect(valueOf(text)).toBe(value);
    const file = scratch('case', text.replaceAll(/`[^`]*`|\$\([^"]*"f"\)/g, ''));
    for (const shell of shells) expect(sourcedValues(shell, [file], ['X'])).toEqual([value]);
  });
});

describe('what cannot be understood is opaque, with its line', () => {
  test.each([
    ['X=1\nX+=" b"\n', 'line 2: `+=`, which a POSIX shell takes as a command'],
    ['\nX=a b\n', 'line 2: a command (b)'],
    ['X="a\n', 'line 1: a quote that is never closed'],
    ["Y=1\nX='a\n", 'line 2: a quote that is never closed'],
    ['X="$(uname -r)"\n', 'line 1: a command substitution'],
    ['X=`uname -r`\n', 'line 1: a command substitution'],
    ['X="${X:+$X }a"\n', 'line 1: a parameter expansion'],
    ['X="${Y:=a}"\n', 'line 1: an expansion (${Y:=a}"…)'],
    ['X="root=$GRUB_DEVICE"\n', 'line 1: $GRUB_DEVICE, which is set elsewhere'],
    ['X=a\n. /etc/other\n', 'line 2: a command (.)'],
    ['X=a\nif true; then X=b; fi\n', 'line 2: a command (if)'],
    ['X=a && X=b\n', 'line 1: an operator (&)'],
    ['X=(a b)\n', 'line 1: an array'],
    ['f() { X=1; }\n', 'line 1: a command (f)'],
    ['X=~/a\n', 'line 1: an unquoted "~"'],
    ["X=$'a'\n", "line 1: an expansion ($'a'…)"],
    ['X=$((1+1))\n', 'line 1: an expansion ($((1+1))…)'],
    ['X=a\nUID=3\n', 'line 2: UID, which the shell itself uses'],
    ['X=a\r\n\r\n', 'line 2: a command ()'],
    ['export X=$X\n', 'line 1: an unquoted $ behind `export`'],
    ['X=a\\', 'line 1: a backslash at the end of the file'],
    [';X=a\n', 'line 1: a semicolon without a command'],
    ['\uFEFFX=a\n', 'line 1: a command (\uFEFFX=a)'],
  ])('%j', (text, said) => {
    expect(valueOf(text)).toBe(said);
  });

  test('an assignment in a later file is known again', () => {
    const files = [
      parseShellFile(path, '. /x\n'),
      parseShellFile('/etc/default/grub.d/a.cfg', 'X=a'),
    ];
    expect(evaluateShellFiles(files)('X')).toMatchObject({ known: true, text: 'a' });
    expect(evaluateShellFiles(files)('Y')).toMatchObject({ known: false });
  });

  test('each character knows its file and line', () => {
    const files = [
      parseShellFile(path, '\nX="a\\\nb"\n'),
      parseShellFile('/etc/z', '\n\nX="$X c"'),
    ];
    const value = evaluateShellFiles(files)('X');
    expect(value.known && value.places.map((place) => `${place.path}:${place.line}`)).toEqual([
      '/etc/default/grub:2',
      '/etc/default/grub:3',
      '/etc/z:3',
      '/etc/z:3',
    ]);
  });
});

const edited = (text: string, added = ['k=v']): string => {
  const edit = addToVariable(parseShellFile(path, text), 'X', added);
  return 'text' in edit ? edit.text : `refused, line ${edit.refused.line}: ${edit.refused.why}`;
};

describe('an edit changes only bytes inside the quotes of the last plain assignment', () => {
  test.each([
    ['X="a" # c\nX="b"  # d\nY=1\n', 'X="a" # c\nX="b k=v"  # d\nY=1\n'],
    ["X='a'\n", "X='a k=v'\n"],
    ['X=""\n', 'X="k=v"\n'],
    ['X=\n', 'X="k=v"\n'],
    ['X=quiet\n', 'X=quiet" k=v"\n'],
    ['export X="$X b"\r\n', 'export X="$X b"\r" k=v"\n'],
    ['X="a -- init=b"\n', 'X="a k=v -- init=b"\n'],
    ['X="a "\n', 'X="a  k=v"\n'],
    ['Y=1', 'Y=1\nX="k=v"\n'],
    ['X="$(a)"\n', 'refused, line 1: a command substitution'],
    ['X="a"\nif b\n', 'refused, line 2: a command (if)'],
    ['X="$Y"\n', 'refused, line 1: $Y'],
  ])('%j', (text, after) => {
    expect(edited(text)).toBe(after);
  });
});

const added = ['intel_iommu=on', 'pci=realloc'];

/** Pieces that a shell file may be made of, the harmless ones often and the others now and then. */
const name = fc.constantFrom('X', 'Y', 'GRUB_CMDLINE_LINUX');
const plain = fc.string({
  unit: fc.constantFrom(...Array.from('ab=,. -_/:@%+#!^{}[]*?~;&|<>()\'"`$\\\t\r\né\u00a0')),
  maxLength: 6,
});
const piece = fc.oneof(
  { weight: 4, arbitrary: plain.map((text) => `"${text.replaceAll(/["$`\\]/g, '\\$&')}"`) },
  { weight: 3, arbitrary: plain.map((text) => `'${text.replaceAll("'", '')}'`) },
  { weight: 2, arbitrary: fc.constantFrom('a', 'quiet', 'k=v', '--', 'a\\ b', '\\\n', '#', ',') },
  { weight: 1, arbitrary: fc.constantFrom('$X', '"$Y"', '"${X} a"', '"a $GRUB_CMDLINE_LINUX"') },
  { weight: 1, arbitrary: plain },
  { weight: 1, arbitrary: plain.map((text) => `"${text}"`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('`echo a`', '"$(echo a)"', '$(echo "b)")', '"${X:-a b}"'),
  },
);
const assignment = fc
  .tuple(fc.constantFrom('', '', '', 'export '), name, fc.array(piece, { maxLength: 4 }))
  .map(([exported, variable, pieces]) => `${exported}${variable}=${pieces.join('')}`);
const separator = fc.constantFrom(
  '\n',
  '\n',
  '\n',
  '\n\n',
  '; ',
  ' ',
  ' # a "b\n',
  '\r\n',
  ' \\\n',
  ';',
);
const other = fc.constantFrom('# comment', '  # "x', 'export X', 'true', 'X+=a', '\tY=1', '');
const shellText = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 9, arbitrary: assignment }, { weight: 1, arbitrary: other }),
      separator,
    ),
    {
      maxLength: 5,
    },
  )
  .map((lines) => lines.flat().join(''));

const names = ['X', 'Y', 'GRUB_CMDLINE_LINUX'];
const runs = { numRuns: Number(process.env['SRIOVCTL_PROPERTY_RUNS'] ?? 300) };

describe('against the real shells', () => {
  test('whatever is accepted has the value that each shell gives it', () => {
    let accepted = 0;
    fc.assert(
      fc.property(shellText, (text) => {
        const file = parseShellFile(path, text);
        fc.pre(file.opaque === undefined);
        const valueAfter = evaluateShellFiles([file]);
        const onDisk = scratch('sourced', text);
        for (const shell of shells) {
          const real = sourcedValues(shell, [onDisk], names);
          if (real === undefined && runsSomething(file)) return;
          expect(real, shell).toBeDefined();
          names.forEach((variable, index) => {
            const value = valueAfter(variable);
            if (!value.known) return;
            accepted += 1;
            expect(value.text, `${variable} in ${shell}`).toBe(real?.[index]);
          });
        }
      }),
      runs,
    );
    expect(accepted).toBeGreaterThan(runs.numRuns);
  }, 120_000);

  test('an edit adds the arguments to the value and nothing else, and its removal restores every byte', () => {
    fc.assert(
      fc.property(shellText, name, (text, variable) => {
        const before = parseShellFile(path, text);
        const old = evaluateShellFiles([before])(variable);
        const edit = addToVariable(before, variable, added);
        if (!('text' in edit) || !old.known || old.text.includes('--')) return;

        const onDisk = scratch('edited', edit.text);
        const expected = old.text === '' ? added.join(' ') : `${old.text} ${added.join(' ')}`;
        for (const shell of shells) {
          expect(parses(shell, onDisk), shell).toBe(true);
          const value = sourcedValues(shell, [onDisk], [variable])?.[0];
          if (value === undefined && runsSomething(before)) continue;
          expect(value?.trim(), shell).toBe(expected.trim());
        }
        expect(isInsertion(text, edit.text)).toBe(true);
        const undone = removeFromVariable(parseShellFile(path, edit.text), variable, added);
        const kept = before.assignments.some((assigned) => assigned.name === variable)
          ? text
          : edit.text.replace(`"${added.join(' ')}"\n`, '\n');
        expect('text' in undone && withoutEmptyQuotes(undone.text)).toBe(withoutEmptyQuotes(kept));
      }),
      runs,
    );
  }, 120_000);
});

/** A command that fails ends the shell, and with it grub-mkconfig. */
const runsSomething = ({ assignments }: ShellFile): boolean =>
  assignments.some(({ word }) => word.opaque !== undefined);

/** Everything of the old text stands in the new one, before and behind one new piece. */
const isInsertion = (before: string, after: string): boolean => {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start += 1;
  return after.endsWith(before.slice(start));
};

/** A value without quotes gets a quoted piece, which stays as `""`. */
const withoutEmptyQuotes = (text: string): string => text.replaceAll('""', '');
