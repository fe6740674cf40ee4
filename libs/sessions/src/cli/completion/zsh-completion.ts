import type { CompletedCommand } from './command-tree.js';
import {
  firstWords,
  functionName,
  pathBranch,
  valueBranches,
  wordBranches,
  type ShellWords,
} from './completion-script.js';

const ZSH: ShellWords = {
  offer: (words) => `compadd -- ${words.join(' ')}`,
  offerFiles: '_files',
  branch: (patterns) => `(${patterns.map((pattern) => `'${pattern}'`).join('|')})`,
};

/** A script that zsh reads, after `compinit`. */
export function zshCompletion(program: string, tree: readonly CompletedCommand[]): string {
  const name = functionName(program);
  return `#compdef ${program}
# Completion of ${program} for zsh, after compinit: eval "$(${program} completion zsh)"
${name}() {
  local current=$words[CURRENT] flag=$words[CURRENT-1] at='' index
  if [[ $current == --*=* ]]; then
    flag=\${current%%=*} current=\${current#*=}
    compset -P '*='
  fi
  for ((index = 2; index < CURRENT; index++)); do
    case "$at $words[index]" in
    ${pathBranch(tree, ZSH)} at="$at $words[index]" ;;
    esac
  done
  case "$at $flag" in
${valueBranches(tree, ZSH)}
  esac
  if [[ $current == -* ]]; then
    case "$at" in
${wordBranches(tree, ZSH, ({ flags }) => flags)}
    esac
    return
  fi
  case "$at" in
${wordBranches(tree, ZSH, firstWords)}
  esac
}
compdef ${name} ${program}
`;
}
