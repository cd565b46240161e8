/** Returns the bytes that this process may use: the machine's memory, or its cgroup's limit. */
export function machineMemory(): number {
  const { total } = Deno.systemMemoryInfo();
  try {
    const limit = Number(Deno.readTextFileSync("/sys/fs/cgroup/memory.max"));
    return limit > 0 ? Math.min(total, limit) : total;
  } catch {
    return total; // another system than Linux, or the root cgroup
  }
}
