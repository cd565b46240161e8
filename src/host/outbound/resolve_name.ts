import { lookup } from "node:dns/promises";

/** Resolves a name to addresses. */
export type ResolveName = (name: string) => Promise<string[]>;

/** Resolves a name with the system's resolver. IPv4 comes first, since it works everywhere. */
export const resolveName: ResolveName = async (name) => {
  const found = await lookup(name, { all: true });
  return found.sort((one, other) => one.family - other.family).map(({ address }) => address);
};
