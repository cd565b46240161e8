/** Where a request goes below the path of an upstream's URL: `/base` + `/a/b` + `?q=1`. */
export function upstreamTarget(basePath: string, rest: string, query: string): string {
  if (rest === "") return (basePath === "" ? "/" : basePath) + query;
  return (basePath.endsWith("/") ? basePath.slice(0, -1) : basePath) + rest + query;
}
