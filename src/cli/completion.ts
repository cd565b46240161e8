import { type ModeName, modeNames } from "../options/modes.ts";
import { flags } from "../options/flags.ts";
import { type Flag, folder, modulePath, path, shortAbout } from "../options/flag.ts";

/** The shells that have a completion script. */
export type Shell = "bash" | "zsh" | "fish";

/** Returns the script by which a shell completes modes, their flags, choices and files. */
export function completion(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

const rows = Object.entries<Flag>(flags);
const rowsOf = (mode: ModeName) => rows.filter(([, flag]) => flag.modes.includes(mode));
const isBare = ({ type }: Flag) => type.bare !== undefined;
const isRepeated = ({ type }: Flag) => type.join !== undefined;
/** Reports whether a flag's value is a path of this machine. */
const isPath = ({ type }: Flag) =>
  type === path || type === modulePath || type === folder || type.placeholder === "PATH,…";

function bash(): string {
  const words = (some: [string, Flag][]) =>
    some.map(([name, flag]) => isBare(flag) ? name : `${name}=`).join(" ");
  const choices = rows.filter(([, { type }]) => type.choices)
    .map(([name, { type }]) => `    ${name}) words="${type.choices?.join(" ")}" ;;`);
  const paths = rows.filter(([, flag]) => isPath(flag)).map(([name]) => name);
  return `# bash completion of capsule: source <(capsule -completion=bash)
_capsule() {
  # Bash splits -mode=cli at its "=", so the word is read from the line.
  local line=\${COMP_LINE:0:COMP_POINT} mode= words= dashes=-
  local word=\${line##*[[:space:]]}
  COMPREPLY=()
  if [[ $line =~ [[:space:]]--?mode[=[:space:]]+([a-z-]+)[[:space:]] ]]; then mode=\${BASH_REMATCH[1]}; fi
  case $word in
  -*=*)
    local flag=\${word%%=*} value=\${word#*=}
    case \${flag##*-} in
${choices.join("\n")}
    ${paths.join("|")})
      compopt -o filenames 2>/dev/null
      local IFS=$'\\n'
      COMPREPLY=($(compgen -f -- "$value"))
      ;;
    esac
    if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$value")); fi
    if [[ $COMP_WORDBREAKS != *=* ]]; then COMPREPLY=("\${COMPREPLY[@]/#/$flag=}"); fi
    ;;
  -*)
    case $mode in
${modeNames.map((mode) => `    ${mode}) words="${words(rowsOf(mode))}" ;;`).join("\n")}
    *) words="${words(rows)}" ;;
    esac
    if [[ $word == --* ]]; then dashes=--; fi
    COMPREPLY=($(compgen -P "$dashes" -W "$words" -- "\${word#"$dashes"}"))
    if [[ \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
    ;;
  *)
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$word"))
    ;;
  esac
}
complete -F _capsule capsule
`;
}

function zsh(): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const spec = ([name, flag]: [string, Flag]) => {
    const about = shortAbout(flag).replace(/[\\[\]:]/g, "\\$&");
    const repeated = isRepeated(flag) ? "*" : "";
    if (isBare(flag)) return quoted(`${repeated}-${name}[${about}]`);
    const action = flag.type.choices
      ? `(${flag.type.choices.join(" ")})`
      : isPath(flag)
      ? "_files"
      : " ";
    return quoted(`${repeated}-${name}=-[${about}]:${name}:${action}`);
  };
  const specs = (some: [string, Flag][]) => some.map((row) => `    ${spec(row)}`).join("\n");
  const cases = modeNames.map((mode) => `  ${mode}) flags=(\n${specs(rowsOf(mode))}\n  ) ;;`);
  return `#compdef capsule
# zsh completion of capsule: source <(capsule -completion=zsh), or this file as _capsule in a folder of $fpath
_capsule() {
  local -a flags
  local mode=\${\${(M)words:#-mode=*}[1]#-mode=}
  case $mode in
${cases.join("\n")}
  *) flags=(
${specs(rows)}
  ) ;;
  esac
  _arguments $flags '*:argument:_files'
}
if [ "\${funcstack[1]}" = _capsule ]; then _capsule "$@"; else compdef _capsule capsule; fi
`;
}

function fish(): string {
  const quoted = (text: string) => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const lines = rows.flatMap(([name, flag]) => {
    const where = flag.modes.length < modeNames.length
      ? ` -n '__capsule_mode ${flag.modes.join(" ")}'`
      : "";
    const about = ` -d ${quoted(shortAbout(flag))}`;
    const value = isBare(flag)
      ? ""
      : flag.type.choices
      ? ` -x -a ${quoted(flag.type.choices.join(" "))}`
      : isPath(flag)
      ? " -r -F"
      : " -x";
    // -flag value, and --flag=value.
    return [`complete -c capsule -o ${name} -l ${name}${where}${value}${about}`];
  });
  return `# fish completion of capsule: capsule -completion=fish | source
function __capsule_mode
  set -l mode (commandline -opc | string match -rg -- '^--?mode=(.*)')
  or return 0
  contains -- "$mode[1]" $argv
end
${lines.join("\n")}
`;
}
