import type { HostFs, HostPath } from '../host.ts';
import { followLink } from '../sysfs/read.ts';
import { scriptPath } from './places.ts';
import { integrityCheck } from './units.ts';

const begin = '# >>> sriovctl: Virtual Functions';
const end = '# <<< sriovctl';

/** Where the host's rc.local is, behind its link: RHEL's is in /etc/rc.d. */
export const rcLocalPath = async (fs: HostFs): Promise<HostPath> => {
  for (const path of ['/etc/rc.local', '/etc/rc.d/rc.local'] as const) {
    const stat = await fs.stat(path);
    if (stat?.kind === 'link') return (await followLink(fs, path)) ?? path;
    if (stat !== undefined) return path;
  }
  return '/etc/rc.local';
};

/** Why a text cannot get a block; `undefined` if it can. */
export const rcLocalProblem = (text: string): string | undefined => {
  const [first = ''] = text.split('\n');
  if (!first.startsWith('#!')) return 'has no #! line, so that systemd cannot run it';
  return /^#!\s*(?:\/usr)?\/bin\/(?:env\s+)?(?:sh|bash|dash|ash|ksh)(?:\s|$)/.test(first)
    ? undefined
    : `is no shell script (${first})`;
};

/** rc.local with our block: before the first `exit` that always runs, else at the end. */
export const withBlock = (text: string | undefined, script: string): string => {
  const block = [
    begin,
    // The script's own failures are in the journal; those that come after it still run.
    `${integrityCheck(script)} && /bin/sh ${scriptPath} || :`,
    end,
  ].join('\n');
  if (text === undefined) return `#!/bin/sh\n${block}\nexit 0\n`;
  const bare = withoutBlock(text);
  const at = endOfScript(bare);
  // A last line without newline gets none after the block either: so the block can be cut out again.
  return at > 0 && bare[at - 1] !== '\n'
    ? `${bare.slice(0, at)}\n${block}${bare.slice(at)}`
    : `${bare.slice(0, at)}${block}\n${bare.slice(at)}`;
};

/** The text as it was before the block came into it, to the byte. */
export const withoutBlock = (text: string): string => {
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) return text;
  const after = to + end.length;
  return text[after] === '\n'
    ? text.slice(0, from) + text.slice(after + 1)
    : text.slice(0, Math.max(0, from - 1)) + text.slice(after);
};

/** Words that open and close what runs only sometimes. */
const opening = /^\s*(?:if|case|for|while|until|select|\{|\()(?:\s|;|$)|\)\s*\{\s*$/;
const closing = /^\s*(?:fi|esac|done|\}|\))(?:\s|;|$)/;
const heredoc = /<<-?\s*(["']?)(\w+)\1/;

/** The place of the first `exit` outside of everything, or the end of the text. */
const endOfScript = (text: string): number => {
  let at = 0;
  let depth = 0;
  let until: string | undefined;
  for (const line of text.split('\n')) {
    if (until !== undefined) {
      if (line.trim() === until) until = undefined;
    } else {
      if (depth === 0 && /^\s*exit(?:\s|;|#|$)/.test(line)) return at;
      // `if …; then …; fi` on one line opens and closes.
      if (opening.test(line) && !/(?:^|[\s;])(?:fi|esac|done|\})\s*(?:#.*)?$/.test(line))
        depth += 1;
      else if (closing.test(line)) depth = Math.max(0, depth - 1);
      until = heredoc.exec(line)?.[2];
    }
    at += line.length + 1;
  }
  return text.length;
};
