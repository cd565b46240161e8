import assert from "node:assert/strict";
import type { Log } from "../../../src/base/log.ts";
import { ComponentCaller } from "../../../src/function/component/component_caller.ts";
import type {
  ComponentCall,
  ComponentFunctions,
} from "../../../src/function/component/component_functions.ts";
import type { PooledComponent } from "../../../src/function/component/pooled_component.ts";
import { type RequestBody, wholeBody } from "../../../src/function/component/request_body.ts";
import { noTrailers, OutgoingResponse } from "../../../src/wasi/p2/http_types.ts";
import type { Value } from "../../../src/component/abi/codec.ts";
import type { SharedStream } from "../../../src/component/async/shared_copies.ts";
import { Fields } from "../../../src/wasi/p2/fields.ts";
import { hostFuture } from "../../../src/wasi/p3/copies.ts";
import { HttpRequest, HttpResponse } from "../../../src/wasi/p3/http_message.ts";

const tasks = { add: () => ({ cancel: () => {} }) };
const head = {
  method: "POST",
  pathWithQuery: "/",
  scheme: { tag: "HTTP" },
  authority: "localhost",
  headers: new Fields().frozen(),
};

Deno.test("component caller: a discarded call reads nothing of the body for its rerun", async () => {
  let trailersRead = 0;
  const whole = wholeBody(new Uint8Array(10));
  const body: RequestBody = {
    get stream() {
      return whole.stream;
    },
    readAhead() {},
    close() {},
    trailers: () => {
      trailersRead++;
      return noTrailers();
    },
  };
  let streams: SharedStream[] = [];
  const consume = ([request]: readonly Value[]) => {
    assert.ok(request instanceof HttpRequest);
    const [stream] = request.consume(hostFuture().future);
    streams.push(stream);
  };
  const instance = {
    handler: { wasi: "0.3", tasks },
    entry: {
      call: (args: readonly Value[]) => {
        consume(args);
        throw new Error("discarded");
      },
      callAwaitable: (args: readonly Value[], onReturn: (value: Value) => void) => {
        consume(args);
        const contents = {
          kind: "guest",
          stream: undefined,
          trailers: hostFuture().future,
          sent: hostFuture(),
        } as const;
        const response = new HttpResponse(new Fields().frozen(), contents, tasks);
        onReturn({ tag: "ok", value: response as unknown as Value });
        return Promise.resolve(undefined);
      },
    },
  } as unknown as PooledComponent;
  const called = {
    options: { name: "test" },
    call: async <T>({ run, runAwaitable }: ComponentCall<T>) => {
      assert.throws(() => run(instance), /discarded/);
      // The reset of the instance drops what the guest left open.
      for (const stream of streams) stream.drop();
      streams = [];
      return await runAwaitable(instance);
    },
  } as unknown as ComponentFunctions;
  const caller = new ComponentCaller(called, {} as Log);
  const exchange = await caller.call(head, body, () => {});
  assert.ok(exchange.set instanceof OutgoingResponse);
  assert.equal(trailersRead, 0);
});
