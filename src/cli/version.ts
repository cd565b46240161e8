import { compiledBuild } from "../base/build.ts";
import config from "../../deno.json" with { type: "json" };

/** The launcher's version, as `deno.json` has it. */
export const version: string = config.version;

/** One line about the program: its version, where it comes from and what it runs on. */
export function versionLine(): string {
  const { deno, v8 } = Deno.version;
  const build = compiledBuild();
  const origin = build ? `commit ${build.commit}` : "from sources";
  return `capsule ${version} (${origin}, deno ${deno}, v8 ${v8}, ${Deno.build.target})`;
}
