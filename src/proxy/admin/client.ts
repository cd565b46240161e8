import * as z from "zod";
import { AdminCallError, type AdminServer, callAdmin } from "../../client/call_admin.ts";

/** The address of a proxy and its credentials. */
export interface ProxyClientOptions extends Omit<AdminServer, "label"> {
  /** The first segment of its admin paths: `memory`, `redis`. */
  readonly backend: string;
}

/** function → revision → URLs */
export type RouteList = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** A URL of a revision of a function. */
export interface Route {
  readonly function: string;
  readonly revision: string;
  readonly url: string;
}

/** A client of the admin interface of a proxy. All methods reject with `AdminCallError`. */
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
      throw new AdminCallError(200, "HTTP", "the proxy's list is not a list of routes");
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

  /** Adds a function or a revision; without a URL, its calls get 503 until it has one. */
  async register(route: Omit<Route, "url"> & { readonly url: string | null }): Promise<void> {
    await this.#call("POST", "registration", { ...route });
  }

  async removeFunction(name: string): Promise<void> {
    await this.#call("DELETE", "registration", { function: name });
  }

  async addRevision({ function: name, revision, url }: Route): Promise<void> {
    await this.#call("POST", `${encodeURIComponent(name)}/revision`, { revision, url });
  }

  /** Removes a revision; with `ifEmpty`, only one without URLs, or fails with 409. */
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
