import { trustedAuthorities } from "../../base/authorities.ts";
import { DeadlineError, withDeadline } from "../../base/deadline.ts";
import { messageOf } from "../../base/errors.ts";
import { bareHost } from "../../base/hosts.ts";
import { isOutOfFiles, outOfFiles } from "../../server/listen_failure.ts";
import type { TickClock } from "../../http1/tick_clock.ts";
import { type Socket, Wire } from "../../http1/wire.ts";
import {
  type Health,
  type HealthRules,
  healthy,
  isUsable,
  onAbandoned,
  onAnswer,
  onFailure,
  onSend,
} from "./health.ts";

/** The largest number of idle connections to one upstream, and how long each is kept. */
const maxIdle = 256;
const maxIdleMs = 30_000;
/** A request that is not repeatable takes only connections idle for less than this. */
const freshMs = 2000;

interface IdleConnection {
  readonly wire: Wire;
  readonly sinceMs: number;
}

/** The dependencies that all upstreams of a proxy share. */
export interface UpstreamContext {
  readonly clock: TickClock;
  readonly connectMs: number;
  /** From the end of a request to the first byte of its response; 0 for no limit. */
  readonly firstByteMs: number;
  readonly rules: HealthRules;
  /** Is called when an upstream is ejected, or is healthy again. */
  readonly onHealth?: (sentence: string) => void;
  /** Closes idle clients when the process is out of files; reports whether there were any. */
  readonly makeRoom?: () => boolean;
}

/** An upstream: its address, its health, and the idle connections to it. */
export class Upstream {
  readonly url: string;
  /** The `Host` of requests that have none. */
  readonly authority: string;
  /** The path of the URL, to which all targets are relative; empty without one. */
  readonly basePath: string;
  readonly #hostname: string;
  readonly #port: number;
  readonly #tls: boolean;
  readonly #context: UpstreamContext;
  #idle: IdleConnection[] = [];
  #retired = false;
  #health: Health = healthy;
  #running = 0;

  constructor(url: string, context: UpstreamContext) {
    const { protocol, hostname, port, host } = new URL(url);
    this.url = url;
    this.#context = context;
    this.#tls = protocol === "https:";
    this.#hostname = bareHost(hostname);
    this.#port = Number(port || (this.#tls ? 443 : 80));
    this.authority = host;
    // URL.pathname would resolve `..`.
    this.basePath = /^[^/]*\/\/[^/]*(.*)$/.exec(url)?.[1] ?? "";
    if (this.basePath === "/") this.basePath = "";
  }

  /** As in the context. */
  get firstByteMs(): number {
    return this.#context.firstByteMs;
  }

  get health(): Health {
    return this.#health;
  }

  /** The number of requests under way. */
  get running(): number {
    return this.#running;
  }

  /** Reports whether requests may be sent there. */
  get usable(): boolean {
    return isUsable(this.health, this.#context.clock.nowMs);
  }

  /**
   * Counts a request. Call it before the request is sent, then `answered` or `failed`, and finally
   * the returned release function.
   */
  enter(): () => void {
    const { probing } = this.health;
    this.#running++;
    this.#health = onSend(this.health);
    const probes = this.health.probing && !probing;
    return () => {
      this.#running--;
      // Only the trial of an ejected upstream ends its trial, not requests sent before.
      if (probes) this.#health = onAbandoned(this.health);
    };
  }

  /** Notes a response. */
  answered(): void {
    if (this.health.outUntilMs > 0) this.#context.onHealth?.(`${this.url} is healthy again`);
    this.#health = onAnswer(this.health);
  }

  /** Notes a connection that was refused, late or broken. */
  failed(why: string): void {
    const { clock, rules, onHealth } = this.#context;
    const wasOut = this.health.outUntilMs > 0;
    this.#health = onFailure(this.health, clock.nowMs, rules);
    if (!wasOut && this.health.outUntilMs > 0) {
      onHealth?.(`${this.url} gets no requests for ${rules.failTimeoutMs / 1000} s: ${why}`);
    }
  }

  /** Notes the result of a health check. */
  checked(passes: boolean): void {
    if (passes !== this.health.passesChecks) {
      this.#context.onHealth?.(
        `${this.url} ${passes ? "passes its health checks again" : "fails its health checks"}`,
      );
    }
    this.#health = { ...this.health, passesChecks: passes };
  }

  /** Returns an idle connection, if any; `onlyFresh` for a request that is not repeatable. */
  takeIdle(onlyFresh: boolean): Wire | undefined {
    for (;;) {
      const idle = this.#idle.pop();
      if (idle === undefined) return undefined;
      const { wire, sinceMs } = idle;
      if (
        wire.ended || wire.buffered > 0 ||
        (onlyFresh && this.#context.clock.nowMs - sinceMs > freshMs)
      ) {
        wire.close();
        continue;
      }
      wire.setReadDeadline(Infinity);
      return wire;
    }
  }

  /** Keeps a connection for the next request, up to `keepMs` as the upstream does. */
  giveBack(wire: Wire, keepMs = maxIdleMs): void {
    if (
      keepMs <= 0 || this.#retired || wire.ended || wire.buffered > 0 ||
      this.#idle.length >= maxIdle
    ) {
      return wire.close();
    }
    wire.shrink();
    const idle: IdleConnection = { wire, sinceMs: this.#context.clock.nowMs };
    this.#idle.push(idle);
    const by = this.#context.clock.in(Math.min(keepMs, maxIdleMs));
    // Reading ahead notices an upstream that closes the connection, or sends without a request.
    wire.fill({ by }).then(() => {
      const at = this.#idle.indexOf(idle);
      if (at < 0) return;
      this.#idle.splice(at, 1);
      wire.close();
    });
  }

  /**
   * Opens a connection. Its certificate is verified before anything is sent.
   *
   * @throws ConnectError if it is not open in time.
   */
  async dial(): Promise<Wire> {
    const { clock, connectMs } = this.#context;
    try {
      const connect = (signal: AbortSignal) => this.#connectWithRoom(signal);
      return new Wire(await withDeadline(connectMs, connect), clock);
    } catch (error) {
      if (error instanceof DeadlineError) {
        throw new ConnectError(`no connection within ${connectMs} ms`, "time");
      }
      throw isOutOfFiles(error)
        ? new ConnectError(outOfFiles, "files")
        : new ConnectError(connectReason(error), "upstream");
    }
  }

  async #connectWithRoom(late: AbortSignal): Promise<Socket> {
    try {
      return await this.#connect(late);
    } catch (error) {
      if (!isOutOfFiles(error) || !this.#context.makeRoom?.()) throw error;
    }
    // The files are closed when the pending reads have ended.
    await new Promise((resolve) => setTimeout(resolve));
    return await this.#connect(late);
  }

  async #connect(late: AbortSignal): Promise<Socket> {
    const plain = await this.#connectTcp(late);
    plain.setNoDelay(true);
    if (!this.#tls) return plain;
    const ca = trustedAuthorities();
    const connection = await Deno.startTls(plain, {
      hostname: this.#hostname,
      caCerts: ca === undefined ? [] : [ca],
    });
    const close = () => connection.close();
    late.addEventListener("abort", close);
    try {
      await connection.handshake();
      late.throwIfAborted();
    } catch (error) {
      if (!late.aborted) connection.close();
      throw error;
    } finally {
      late.removeEventListener("abort", close);
    }
    return connection;
  }

  /** Deno tries one address of a name; a local server may listen on IPv4 or IPv6 only. */
  async #connectTcp(signal: AbortSignal): Promise<Deno.TcpConn> {
    const port = this.#port;
    try {
      return await Deno.connect({ hostname: this.#hostname, port, signal });
    } catch (error) {
      if (this.#hostname !== "localhost" || !(error instanceof Deno.errors.ConnectionRefused)) {
        throw error;
      }
    }
    try {
      return await Deno.connect({ hostname: "::1", port, signal });
    } catch {
      return await Deno.connect({ hostname: "127.0.0.1", port, signal });
    }
  }

  /** Closes connections as they become idle: no route leads here any more. */
  retire(): void {
    this.#retired = true;
    for (const { wire } of this.#idle) wire.close();
    this.#idle = [];
  }
}

/** An error for an upstream that could not be reached: nothing was sent. */
export class ConnectError extends Error {
  /** The cause: the upstream, the timeout, or this process, which is out of files. */
  readonly reason: "upstream" | "time" | "files";

  constructor(message: string, reason: ConnectError["reason"]) {
    super(message);
    this.name = "ConnectError";
    this.reason = reason;
  }
}

function connectReason(error: unknown): string {
  return error instanceof Deno.errors.ConnectionRefused ? "connection refused" : messageOf(error);
}

/** Returns the target below the path of an upstream's URL: `/base` + `/a/b` + `?q=1`. */
export function upstreamTarget(basePath: string, rest: string, query: string): string {
  if (rest === "") return (basePath === "" ? "/" : basePath) + query;
  return (basePath.endsWith("/") ? basePath.slice(0, -1) : basePath) + rest + query;
}
