import * as z from "zod";
import { AdminCallError, type AdminServer, callAdmin } from "../../client/call_admin.ts";

/** Where the proxy is, and how to be let in. */
export interface ProxyClientOptions extends Omit<AdminServer, "label"> {
  /** Its backend, the first segment of its admin paths. */
  readonly backend: string;
}

/** function → revision → URLs */
export type RouteList = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** A revision of a function, and a URL that serves it. */
export interface Route {
  readonly function: string;
  readonly revision: string;
  readonly url: string;
}

/** The admin interface of a reverse proxy, called. Every method throws an `AdminCallError`. */
export class ProxyClient {
  readonly #options: ProxyClientOptions;

  constructor(options: ProxyClientOptions) {
    this.#options = options;
  }

  async list(): Promise<RouteList> {
    const list = z.looseObject({});
    const urls = z.array(z.string());
    const parsed = list.safeParse(await this.#call("GET", "list"));
    if (!parsed.success) {
      throw new AdminCallError(200, "HTTP", "the proxy's list is no list of routes");
    }
    return new Map(
      Object.entries(parsed.data).map(([name, revisions]) => [
        name,
        new Map(
          Object.entries(Object(revisions)).map(([revision, each]) => [revision, urls.parse(each)]),
        ),
      ]),
    );
  }

  /** A new function, or a new revision of one; without a URL, calls are answered with 503 until it has one. */
  async register(route: Omit<Route, "url"> & { readonly url: string | null }): Promise<void> {
    await this.#call("POST", "registration", { ...route });
  }

  async removeFunction(name: string): Promise<void> {
    await this.#call("DELETE", "registration", { function: name });
  }

  async addRevision({ function: name, revision, url }: Route): Promise<void> {
    await this.#call("POST", `${encodeURIComponent(name)}/revision`, { revision, url });
  }

  /** With `ifEmpty`, one that has URLs is refused (409), and with the last revision the function goes. */
  async removeRevision(
    { function: name, revision, ifEmpty }: Omit<Route, "url"> & { readonly ifEmpty?: boolean },
  ): Promise<void> {
    await this.#call("DELETE", `${encodeURIComponent(name)}/revision`, { revision, ifEmpty });
  }

  async addUrl({ function: name, revision, url }: Route): Promise<void> {
    await this.#call("POST", `${encodeURIComponent(name)}/${encodeURIComponent(revision)}/url`, {
      url,
    });
  }

  async removeUrl({ function: name, revision, url }: Route): Promise<void> {
    await this.#call("DELETE", `${encodeURIComponent(name)}/${encodeURIComponent(revision)}/url`, {
      url,
    });
  }

  async #call(method: string, path: string, body?: Record<string, unknown>): Promise<unknown> {
    const { backend, ...server } = this.#options;
    return await callAdmin({ label: "the proxy", ...server }, {
      method,
      path: `${backend}/functions/${path}`,
      body,
    });
  }
}
