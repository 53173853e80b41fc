import { Argument, Command } from 'commander';
import { candidates } from './candidates.ts';
import type { Streams } from './streams.ts';

const examples = `
Examples:
  sriovctl completion bash >/etc/bash_completion.d/sriovctl
  sriovctl completion zsh >/usr/local/share/zsh/site-functions/_sriovctl
  sriovctl completion fish >~/.config/fish/completions/sriovctl.fish`;

/** `sriovctl completion`: scripts for the shells, which ask this program for the words. */
export const completionCommand = (streams: Streams): Command =>
  new Command('completion')
    .addArgument(new Argument('<shell>', 'which one').choices([...Object.keys(scripts), 'words']))
    .argument('[words...]', 'for `words`: the command line so far')
    .summary('print a completion script for bash, zsh or fish')
    .description(
      'Print a completion script; it completes the PFs, addresses and stages of the host it runs on.',
    )
    .addHelpText('after', examples)
    .action(async (shell: string, words: readonly string[]) => {
      if (shell !== 'words') {
        streams.stdout.write(scripts[shell as keyof typeof scripts]);
        return;
      }
      const { makeProgram } = await import('./program.ts');
      for (const { word, about } of await candidates(await makeProgram(streams), words)) {
        streams.stdout.write(about === undefined ? `${word}\n` : `${word}\t${about}\n`);
      }
    });

/** Colons break words in bash, and addresses and MACs have them: the line is split at blanks instead. */
const bash = `# bash completion for sriovctl
_sriovctl() {
  local line=\${COMP_LINE:0:COMP_POINT} words cur word about before
  read -ra words <<<"$line"
  [[ $line == *' ' ]] && words+=('')
  cur=\${words[\${#words[@]}-1]}
  before=\${cur%"\${cur##*:}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    if [[ $word == :files ]]; then
      compopt -o default
      return
    fi
    [[ $word == "$cur"* ]] && COMPREPLY+=("\${word#"$before"}")
  done < <(sriovctl completion words -- "\${words[@]:1}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *, ]] && compopt -o nospace
}
complete -F _sriovctl sriovctl
`;

const zsh = `#compdef sriovctl
# zsh completion for sriovctl
_sriovctl() {
  local line word about
  local -a found shown
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    word=\${line%%$'\\t'*}
    about=\${line#*$'\\t'}
    found+=("$word")
    [[ $about == "$line" ]] && shown+=("$word") || shown+=("$word  -- $about")
  done < <(sriovctl completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  compadd -l -d shown -a found
}
if [[ $funcstack[1] == _sriovctl ]]; then _sriovctl "$@"; else compdef _sriovctl sriovctl; fi
`;

const fish = `# fish completion for sriovctl
function __sriovctl_words
    set -l words (commandline -opc) (commandline -ct)
    set -l found (sriovctl completion words -- $words[2..-1] 2>/dev/null)
    if test "$found[1]" = ':files'
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $found
    end
end
complete -c sriovctl -f -a '(__sriovctl_words)'
`;

const scripts = { bash, zsh, fish } as const;
