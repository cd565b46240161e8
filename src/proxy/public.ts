/** The names of this room that other rooms below `modes` may import. */
export {
  ProxyClient,
  type ProxyClientOptions,
  type Route,
  type RouteList,
} from "./admin/client.ts";
export { Activator, type ActivatorOptions } from "./activator.ts";
