import { defaultOf, type Flag } from "../options/flag.ts";
import { type ModeName, modeNames } from "../options/modes.ts";

/** A default value and its modes: `undefined` for all modes that no other default names. */
export interface FlagDefault {
  readonly text: string;
  readonly modes: readonly ModeName[] | undefined;
}

/** Returns the defaults of a flag, that of most modes first, as in "8080, 9999 for worker". */
export function defaultsOf({ default: given, modes }: Flag): FlagDefault[] {
  if (given === undefined) return [];
  if (typeof given === "string") return [{ text: given, modes: undefined }];
  const modesOf = Map.groupBy(
    modes.filter((mode) => given[mode] !== undefined),
    (mode) => given[mode] ?? "",
  );
  const hasEachMode = modes.every((mode) => given[mode] !== undefined);
  return [...modesOf]
    .sort(([, some], [, others]) => others.length - some.length)
    .map(([text, having], at) => ({ text, modes: at === 0 && hasEachMode ? undefined : having }));
}

/** Returns the default of a flag in a mode, or its defaults in all; `undefined` if it has none. */
export function defaultNote(flag: Flag, mode?: ModeName): string | undefined {
  if (mode !== undefined) return defaultOf(flag, mode);
  const notes = defaultsOf(flag)
    .map(({ text, modes }) => modes ? `${text} for ${modes.join(", ")}` : text);
  return notes.length > 0 ? notes.join(", ") : undefined;
}

/** Returns a sentence about the modes of a flag; an empty text if all modes have it. */
export function modesNote({ modes }: Flag): string {
  return modes.length < modeNames.length ? `Modes: ${modes.join(", ")}.` : "";
}
