import type { Grants } from "../../src/runner/runner_options.ts";

/** The grants of a guest that gets nothing. */
export const noGrants: Grants = {
  folders: [],
  variables: [],
  allowRead: undefined,
  allowWrite: undefined,
  allowEnv: undefined,
  allowNet: undefined,
  allowListen: undefined,
  httpProxy: false,
  sandbox: false,
  ownFiles: [],
};
