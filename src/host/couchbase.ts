import type { QueryService } from "../store/services.ts";
import { limitFor, refuseInSandbox } from "./backing_service.ts";
import { type HostFamily, suspendingFunction } from "./host_function.ts";

/** Grants the queries of a guest. */
export interface CouchbaseGrant {
  readonly queries: QueryService;
  readonly sandbox: boolean;
}

/** Creates `hostCouchBaseQuery`: takes a N1QL statement, returns its rows as a JSON array. */
export function couchbaseFunctions({ queries, sandbox }: CouchbaseGrant): HostFamily {
  return (guest) => ({
    suspending: {
      hostCouchBaseQuery: suspendingFunction(guest, (inputs) => {
        refuseInSandbox(sandbox, "a Couchbase query");
        return queries.query(inputs.text(0, "statement"), limitFor(guest));
      }, (rows) => rows),
    },
  });
}
