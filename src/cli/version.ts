import config from "../../deno.json" with { type: "json" };

/** The launcher's version, as `deno.json` has it. */
export const version: string = config.version;

/** One line about the program: its version and what it runs on. */
export function versionLine(): string {
  const { deno, v8 } = Deno.version;
  return `capsule ${version} (deno ${deno}, v8 ${v8}, ${Deno.build.target})`;
}
