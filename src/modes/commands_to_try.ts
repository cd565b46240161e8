import { shellWord } from "./start_command.ts";

/** The platform that the commands use. */
export interface CommandsToTry {
  readonly registryUrl: string;
  readonly proxyUrl: string;
  readonly workerUrl: string;
  /** The file of the token; without it, the commands read it from `CAPSULE_ADMIN_TOKEN`. */
  readonly tokenFile: string | undefined;
  /** The path of a module that can be uploaded. */
  readonly wasm: string;
}

/**
 * Returns shell commands that try a platform: upload, deploy, call, list. They do not contain the
 * token, since the output of a server is often kept.
 */
export function commandsToTry(
  { registryUrl, proxyUrl, workerUrl, tokenFile, wasm }: CommandsToTry,
): string {
  const token = tokenFile === undefined ? "$CAPSULE_ADMIN_TOKEN" : `$(cat ${shellWord(tokenFile)})`;
  const authorization = `-H "Authorization: Bearer ${token}"`;
  const deployment = {
    function: "hello",
    revision: "blue",
    downloadUrl: `${registryUrl}/me/hello/0.0.0/hello.wasm`,
  };
  const commands = {
    "upload a module": `${authorization} -F ${
      shellWord(fileField(wasm))
    } ${registryUrl}/upload/me/hello/0.0.0`,
    "deploy it": `${authorization} -d ${
      shellWord(JSON.stringify(deployment))
    } ${workerUrl}/functions/deploy`,
    "call it": `-d Bob ${proxyUrl}/functions/hello/blue`,
    "list what runs": `${authorization} ${workerUrl}/functions/list`,
  };
  return Object.entries(commands).map(([what, rest]) => `\n# ${what}\ncurl ${rest}\n`).join("");
}

/** Returns curl's form field of a file; a path with a comma or a semicolon needs quotes. */
function fileField(path: string): string {
  return `file=@${/[,;"\\]/.test(path) ? `"${path.replace(/["\\]/g, "\\$&")}"` : path}`;
}
