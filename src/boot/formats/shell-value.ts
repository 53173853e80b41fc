import type { HostPath } from '../../host.ts';
import { lineAt, type Opaque, type ShellFile } from './shell-file.ts';

export interface Place {
  readonly path: HostPath;
  readonly line: number;
}

/** A variable after all files have been read in turn; `places` has the origin of each character. */
export type ShellValue =
  | { readonly known: true; readonly text: string; readonly places: readonly Place[] }
  | { readonly known: false; readonly opaque: Opaque };

/**
 * What variables would be if a shell read the files one after the other, as grub-mkconfig(8) does.
 * A variable that was never set reads as empty; one that others may have set is not known.
 */
export const evaluateShellFiles = (files: readonly ShellFile[]): ((name: string) => ShellValue) => {
  const values = new Map<string, ShellValue>();
  let lost: Opaque | undefined;
  const valueOf = (name: string): ShellValue =>
    values.get(name) ?? (lost === undefined ? empty : { known: false, opaque: lost });

  for (const file of files) {
    for (const { name, word } of file.assignments) {
      const place = (at: number): Place => ({ path: file.path, line: lineAt(file.text, at) });
      const unknown = (at: number, why: string): ShellValue => ({
        known: false,
        opaque: { ...place(at), why },
      });
      let value: ShellValue = word.opaque === undefined ? empty : unknown(word.start, word.opaque);
      for (const part of word.parts) {
        if (!value.known) break;
        if (part.kind === 'char') {
          value = append(value, { known: true, text: part.char, places: [place(part.at)] });
        } else if (part.name === name || values.has(part.name)) {
          value = append(value, valueOf(part.name));
        } else value = unknown(part.at, `$${part.name}, which is set elsewhere`);
      }
      values.set(name, value);
    }
    if (file.opaque !== undefined) {
      lost = file.opaque;
      values.clear();
    }
  }
  return valueOf;
};

const empty: ShellValue = { known: true, text: '', places: [] };

const append = (left: ShellValue, right: ShellValue): ShellValue =>
  left.known && right.known
    ? {
        known: true,
        text: left.text + right.text,
        places: [...left.places, ...right.places],
      }
    : right;
