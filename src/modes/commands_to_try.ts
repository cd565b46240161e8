/** What the commands are about. */
export interface CommandsToTry {
  readonly registryUrl: string;
  readonly proxyUrl: string;
  readonly workerUrl: string;
  /** Without it, the shell is to have it in a variable. */
  readonly token: string | undefined;
  /** The path of a module that can be uploaded. */
  readonly wasm: string;
}

/** The four commands with which a person sees a platform work: upload, deploy, call, list. Each is one that a shell takes as it is. */
export function commandsToTry(
  { registryUrl, proxyUrl, workerUrl, token, wasm }: CommandsToTry,
): string {
  const authorization = token === undefined
    ? '-H "Authorization: Bearer $CAPSULE_ADMIN_TOKEN"'
    : `-H ${shellWord(`Authorization: Bearer ${token}`)}`;
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

/** The form field of a file, as curl reads it: where commas or semicolons could end the path, it stands in quotes. */
function fileField(path: string): string {
  return `file=@${/[,;"\\]/.test(path) ? `"${path.replace(/["\\]/g, "\\$&")}"` : path}`;
}

/** A text as one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
