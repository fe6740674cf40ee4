import type { CompletedCommand } from './command-tree.js';
import {
  firstWords,
  functionName,
  pathBranch,
  valueBranches,
  wordBranches,
  type ShellWords,
} from './completion-script.js';

const BASH: ShellWords = {
  offer: (words) => `COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$current"))`,
  offerFiles: `compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$current"))`,
  branch: (patterns) => `${patterns.map((pattern) => `'${pattern}'`).join('|')})`,
};

/** A script that bash reads. `=` is a word of its own there. */
export function bashCompletion(program: string, tree: readonly CompletedCommand[]): string {
  const name = functionName(program);
  return `# Completion of ${program} for bash: eval "$(${program} completion bash)"
${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD - 1]} at='' index
  COMPREPLY=()
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $flag == '=' ]]; then
    flag=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$at \${COMP_WORDS[index]}" in
    ${pathBranch(tree, BASH)} at="$at \${COMP_WORDS[index]}" ;;
    esac
  done
  case "$at $flag" in
${valueBranches(tree, BASH)}
  esac
  if [[ $current == -* ]]; then
    case "$at" in
${wordBranches(tree, BASH, ({ flags }) => flags)}
    esac
    return
  fi
  case "$at" in
${wordBranches(tree, BASH, firstWords)}
  esac
}
complete -F ${name} ${program}
`;
}
