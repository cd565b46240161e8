import { RedisServer } from "./redis_server.ts";

/** Three Redis servers that share the 16,384 slots, without replicas. */
export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  static async start(): Promise<RedisCluster> {
    const config = ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"];
    const starts = Array.from({ length: 3 }, () => RedisServer.start({ config }));
    const started = await Promise.allSettled(starts);
    const cluster = new RedisCluster(
      started.flatMap((it) => it.status === "fulfilled" ? [it.value] : []),
    );
    try {
      if (cluster.nodes.length < 3) throw new Error("a node of the cluster did not start");
      await cluster.#join();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  get addresses(): string {
    return this.nodes.map(({ address }) => address).join(",");
  }

  async #join(): Promise<void> {
    const bounds = [0, 5461, 10923, 16384];
    for (const [index, node] of this.nodes.entries()) {
      await node.command("CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`);
      await node.command(
        "CLUSTER",
        "ADDSLOTSRANGE",
        `${bounds[index]}`,
        `${(bounds[index + 1] ?? 0) - 1}`,
      );
    }
    for (const { port } of this.nodes.slice(1)) {
      await this.nodes[0]?.command("CLUSTER", "MEET", "127.0.0.1", `${port}`);
    }
    await Promise.all(this.nodes.map((node) => node.said(/Cluster state changed: ok/)));
    await this.agreed();
  }

  /**
   * Waits until every node knows the owner of every slot. Redis has no event for that, so it polls.
   */
  async agreed(): Promise<void> {
    for (const node of this.nodes) {
      for (;;) {
        const info = String(await node.command("CLUSTER", "INFO"));
        const slots = await node.command("CLUSTER", "SLOTS");
        if (/cluster_state:ok/.test(info) && Array.isArray(slots) && slots.length === 3) break;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}
