import { bareHost } from "../../base/hosts.ts";
import { messageOf } from "../../base/errors.ts";
import { isOutOfFiles, outOfFiles } from "../../server/listen_failure.ts";
import type { Clock } from "../http1/clock.ts";
import { type Socket, Wire } from "../http1/wire.ts";
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

/** Connections that wait for the next request, to one upstream. */
const maxIdle = 256;
const idleMs = 30_000;
/** A request that may not be sent twice takes only a connection that was used so shortly before: the upstream is hardly about to close it. */
const freshMs = 2000;

interface Idle {
  readonly wire: Wire;
  readonly sinceMs: number;
}

/** What an upstream's connections need around them. */
export interface UpstreamWorld {
  readonly clock: Clock;
  readonly connectMs: number;
  readonly rules: HealthRules;
  /** Told when an upstream is left out, or is back. */
  readonly onHealth?: (sentence: string) => void;
  /** Closes what others hold, as the process may open no more files; whether there was something. */
  readonly makeRoom?: () => boolean;
}

/** Who serves: where it is, how it does, and the connections to it. */
export class Upstream {
  readonly url: string;
  /** For `Host`, where the client sent none. */
  readonly authority: string;
  /** The path of the URL, below which all requests go; without it, the empty text. */
  readonly basePath: string;
  readonly #hostname: string;
  readonly #port: number;
  readonly #tls: boolean;
  readonly #world: UpstreamWorld;
  #idle: Idle[] = [];
  #retired = false;
  health: Health = healthy;
  /** Requests under way. */
  running = 0;

  constructor(url: string, world: UpstreamWorld) {
    const { protocol, hostname, port, host } = new URL(url);
    this.url = url;
    this.#world = world;
    this.#tls = protocol === "https:";
    this.#hostname = bareHost(hostname);
    this.#port = Number(port || (this.#tls ? 443 : 80));
    this.authority = host;
    // Not URL.pathname, which would take `..` out.
    this.basePath = /^[^/]*\/\/[^/]*(.*)$/.exec(url)?.[1] ?? "";
    if (this.basePath === "/") this.basePath = "";
  }

  get usable(): boolean {
    return isUsable(this.health, this.#world.clock.nowMs);
  }

  /** Call before a request is sent there; then one of `answered` and `failed`, if it comes to that, and the function returned at the end. */
  enter(): () => void {
    const { probing } = this.health;
    this.running++;
    this.health = onSend(this.health);
    const probes = this.health.probing && !probing;
    return () => {
      this.running--;
      // Others that end meanwhile, sent before it was left out, say nothing of the one that tries it again.
      if (probes) this.health = onAbandoned(this.health);
    };
  }

  answered(): void {
    if (this.health.outUntilMs > 0) this.#world.onHealth?.(`${this.url} is well again`);
    this.health = onAnswer(this.health);
  }

  failed(why: string): void {
    const { clock, rules, onHealth } = this.#world;
    const wasOut = this.health.outUntilMs > 0;
    this.health = onFailure(this.health, clock.nowMs, rules);
    if (!wasOut && this.health.outUntilMs > 0) {
      onHealth?.(`${this.url} is left out for ${rules.failTimeoutMs / 1000} s: ${why}`);
    }
  }

  checked(answers: boolean): void {
    if (answers !== this.health.answersChecks) {
      this.#world.onHealth?.(
        `${this.url} ${answers ? "answers its checks again" : "does not answer its checks"}`,
      );
    }
    this.health = { ...this.health, answersChecks: answers };
  }

  /** A connection that waits; `onlyFresh` for a request that may not be sent twice. */
  takeIdle(onlyFresh: boolean): Wire | undefined {
    for (;;) {
      const idle = this.#idle.pop();
      if (idle === undefined) return undefined;
      const { wire, sinceMs } = idle;
      if (
        wire.ended || wire.buffered > 0 ||
        (onlyFresh && this.#world.clock.nowMs - sinceMs > freshMs)
      ) {
        wire.close();
        continue;
      }
      wire.readByMs = Infinity;
      return wire;
    }
  }

  /** Keeps a connection for the next request; `keepMs` is what the upstream said of it. */
  giveBack(wire: Wire, keepMs = idleMs): void {
    if (
      keepMs <= 0 || this.#retired || wire.ended || wire.buffered > 0 ||
      this.#idle.length >= maxIdle
    ) {
      return wire.close();
    }
    wire.shrink();
    const idle: Idle = { wire, sinceMs: this.#world.clock.nowMs };
    this.#idle.push(idle);
    wire.onEnd = undefined;
    wire.readByMs = this.#world.clock.in(Math.min(keepMs, idleMs));
    // Read ahead: so an upstream that closes it is seen, and one that talks without being asked.
    wire.fill().then(() => {
      const at = this.#idle.indexOf(idle);
      if (at < 0) return;
      this.#idle.splice(at, 1);
      wire.close();
    });
  }

  /**
   * A new connection, ready to be written to: a certificate that nobody vouches for is found before anything is sent.
   *
   * @throws ConnectError when there is none within the time.
   */
  async dial(): Promise<Wire> {
    const { clock, connectMs } = this.#world;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), connectMs);
    try {
      return new Wire(await this.#connectWithRoom(late.signal), clock);
    } catch (error) {
      if (late.signal.aborted) {
        throw new ConnectError(`no connection within ${connectMs} ms`, "time");
      }
      throw isOutOfFiles(error)
        ? new ConnectError(outOfFiles, "files")
        : new ConnectError(connectReason(error), "upstream");
    } finally {
      clearTimeout(timer);
    }
  }

  async #connectWithRoom(late: AbortSignal): Promise<Socket> {
    try {
      return await this.#connect(late);
    } catch (error) {
      if (!isOutOfFiles(error) || !this.#world.makeRoom?.()) throw error;
    }
    // The system has them back when the reads that were under way have ended.
    await new Promise((resolve) => setTimeout(resolve));
    return await this.#connect(late);
  }

  async #connect(late: AbortSignal): Promise<Socket> {
    const plain = await this.#connectTcp(late);
    plain.setNoDelay(true);
    if (!this.#tls) return plain;
    const connection = await Deno.startTls(plain, { hostname: this.#hostname });
    const giveUp = () => connection.close();
    late.addEventListener("abort", giveUp);
    try {
      await connection.handshake();
      late.throwIfAborted();
    } catch (error) {
      if (!late.aborted) connection.close();
      throw error;
    } finally {
      late.removeEventListener("abort", giveUp);
    }
    return connection;
  }

  /** The runtime tries one address of a name; a server on this machine may listen on either of two. */
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

  /** No route leads here any more: connections are closed as they become idle. */
  retire(): void {
    this.#retired = true;
    for (const { wire } of this.#idle) wire.close();
    this.#idle = [];
  }
}

/** An upstream could not be reached: nothing was sent. */
export class ConnectError extends Error {
  /** What it was for: the upstream, the time that it took, or this process, which may open no more files. */
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
