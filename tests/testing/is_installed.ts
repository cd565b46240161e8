/** Whether a program is on the PATH; it is asked for its version (`--version` unless told). */
export async function isInstalled(program: string, ask = "--version"): Promise<boolean> {
  try {
    // A program that is not there is a throw of `output` itself, not of the promise that it returns.
    return (await new Deno.Command(program, { args: [ask], stdout: "null", stderr: "null" })
      .output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
