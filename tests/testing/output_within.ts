/** Waits for a process; after `limitMs` it is killed, and `late` is true. */
export async function outputWithin(
  child: Deno.ChildProcess,
  limitMs: number,
): Promise<{ code: number; stdout: string; stderr: string; late: boolean }> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, limitMs);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), late };
}
