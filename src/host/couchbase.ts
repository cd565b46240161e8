import type { QueryService } from "../store/query.ts";
import { limitOf, refuseInSandbox } from "./backing_service.ts";
import { answeringLater, type HostFamily } from "./host_function.ts";

/** What a guest may ask of Couchbase. */
export interface CouchbaseGrant {
  readonly queries: QueryService;
  readonly sandbox: boolean;
}

/** `hostCouchBaseQuery`: N1QL in, the rows as a JSON array out. */
export function couchbaseFunctions({ queries, sandbox }: CouchbaseGrant): HostFamily {
  return (guest) => ({
    waiting: {
      hostCouchBaseQuery: answeringLater(guest, (inputs) => {
        refuseInSandbox(sandbox, "a Couchbase query");
        return queries.query(inputs.text(0), limitOf(guest));
      }, (rows) => rows),
    },
  });
}
