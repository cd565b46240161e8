/** Reports whether a program is on the PATH: runs it with `--version`, or with `argument`. */
export async function isInstalled(program: string, ask = "--version"): Promise<boolean> {
  try {
    // For a missing program `output` throws synchronously.
    return (await new Deno.Command(program, { args: [ask], stdout: "null", stderr: "null" })
      .output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
