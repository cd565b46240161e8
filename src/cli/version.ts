import { compiledBuild } from "../base/build.ts";
import config from "../../deno.json" with { type: "json" };

/** The version of Capsule, from `deno.json`. */
export const version: string = config.version;

/** Returns a line with the version, the commit and the runtime of the program. */
export function versionLine(): string {
  const { deno, v8 } = Deno.version;
  const build = compiledBuild();
  const origin = build ? `commit ${build.commit}` : "from sources";
  return `capsule ${version} (${origin}, deno ${deno}, v8 ${v8}, ${Deno.build.target})`;
}
