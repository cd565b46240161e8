import { Connection } from "../connection.ts";
import { modules, startOurs, startOwnServer } from "../contenders.ts";
import { atMost, byLength, type Line, type Row } from "../row.ts";
import { digits, inMebibytes } from "../table.ts";

/** Idle connections, and calls that wait for an upstream. */
export const waiting: Row = {
  name: "waiting",
  about: "10,000 open connections, and on 1,000 of them calls that wait 1 s for a slow upstream",
  async run({ length, say }) {
    const wanted = byLength(length, { smoke: 50, quick: 10_000, full: 10_000 });
    const calls = byLength(length, { smoke: 10, quick: 1000, full: 1000 });
    const waitMs = byLength(length, { smoke: 50, quick: 1000, full: 1000 });
    const most = await mostConnections(calls);
    const count = Math.min(wanted, most);
    if (count < wanted) say(`only ${count} connections: "ulimit -n" allows no more`);

    await using upstream = await startOwnServer("slow", `${waitMs}`);
    await using server = await startOurs(modules.upstream);
    using connections = new DisposableStack();
    const open: Connection[] = [];
    let refused = 0;
    const before = server.residentBytes();
    for (let opened = 0; opened < count; opened += 100) {
      // The listener's backlog is short.
      await Promise.all(Array.from({ length: Math.min(100, count - opened) }, async () => {
        try {
          const connection = connections.use(await Connection.open(server.port));
          if (await connection.request("GET", "/health") === "200 OK") open.push(connection);
          else refused++;
        } catch {
          refused++;
        }
      }));
    }
    const idle = server.residentBytes();
    const lines: Line[] = [{
      what: `${digits(count)} open connections`,
      who: "ours",
      seen: `${refused} errors, ${inMebibytes(idle - before)} for them, ${
        inMebibytes(idle)
      } in all`,
      target: atMost(0, refused, "errors"),
    }];

    const beganMs = performance.now();
    const answers = await Promise.all(
      open.slice(0, calls).map((connection) =>
        connection.request("POST", "/", { "Upstream-Url": upstream.url }).catch(String)
      ),
    );
    const tookMs = performance.now() - beganMs;
    const wrong = answers.filter((answer) => answer !== "200 here at last");
    if (wrong[0] !== undefined) say(`a call was answered ${wrong[0].slice(0, 200)}`);
    const errors = wrong.length + Math.max(0, calls - answers.length);
    lines.push({
      what: `${digits(calls)} calls wait for an upstream`,
      who: "ours",
      seen: `${errors} errors, ${digits(tookMs / 1000)} s in all, at most ${
        inMebibytes(server.peakBytes())
      }`,
      ratio: `${digits(tookMs / waitMs)} × one wait`,
      target: atMost(0, errors, "errors"),
    });
    return lines;
  },
};

/** Returns the connection limit of client and server, less upstream connections and files. */
async function mostConnections(calls: number): Promise<number> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -Hn"] }).output();
  const limit = new TextDecoder().decode(stdout).trim();
  return limit === "unlimited" ? Infinity : Number(limit) - calls - 500;
}
