import { trustedAuthorities } from "../base/authorities.ts";
import { CapsuleError } from "../base/errors.ts";
import type { StreamClient } from "../host/outbound/stream_client.ts";
import type { HttpErrorCode } from "../wasi/p2/http_body.ts";
import type { HttpSender, SendRequest } from "../wasi/p2/outgoing_handler.ts";
import type { Guest } from "../wasm/guest.ts";
import type { RunnerOptions } from "./runner_options.ts";

/** Codes of Node and undici, with the error-code of `wasi:http` for each. */
const errorCodes: Readonly<Record<string, string>> = {
  CONNECT_TIMEOUT: "connection-timeout",
  DENIED: "HTTP-request-denied",
  ECONNREFUSED: "connection-refused",
  ECONNRESET: "connection-terminated",
  EHOSTUNREACH: "destination-unavailable",
  ENETUNREACH: "destination-unavailable",
  EPIPE: "connection-terminated",
  ETIMEDOUT: "connection-timeout",
  READ_TIMEOUT: "connection-read-timeout",
  UND_ERR_HEADERS_OVERFLOW: "HTTP-response-header-section-size",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "HTTP-response-incomplete",
  UND_ERR_SOCKET: "connection-terminated",
  URL: "HTTP-request-URI-invalid",
};

/** The client of `wasi:http` for the guests of a module, with the grants of `-allowNet`. */
export interface OutgoingHttp {
  /** Returns the client for one guest. */
  forGuest(guest: Guest): HttpSender;
  close(): Promise<void>;
}

/** Opens the outgoing side of HTTP. The client is loaded at the first request. */
export async function openOutgoingHttp(
  { grants, limits }: Pick<RunnerOptions, "grants" | "limits">,
): Promise<OutgoingHttp> {
  const { allowNet, sandbox } = grants;
  const ca = trustedAuthorities();
  // An invalid rule fails at the start.
  const rules = allowNet && (await import("../host/outbound/net_rules.ts")).parseNetRules(allowNet);
  let loading: Promise<StreamClient> | undefined;
  const send: SendRequest = async (request) => {
    if (sandbox) throw new CapsuleError("DENIED", "-sandbox allows no request");
    loading ??= import("../host/outbound/stream_client.ts").then(({ createStreamClient }) =>
      createStreamClient({ rules, timeoutMs: limits.httpTimeoutMs, ca })
    );
    return await (await loading).send(request);
  };
  return {
    forGuest: (guest) => ({ send, errorCode, signal: () => guest.signal }),
    close: async () => await (await loading)?.close(),
  };
}

function errorCode(error: unknown): HttpErrorCode {
  const { name, code = "", message = "" } = error as {
    name?: string;
    code?: string;
    message?: string;
  };
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return { tag: "DNS-error", value: { "rcode": code, "info-code": undefined } };
  }
  if (name === "HTTPParserError") return { tag: "HTTP-protocol-error" };
  if (name === "InvalidArgumentError" && message === "invalid method") {
    return { tag: "HTTP-request-method-invalid" };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) return { tag: "TLS-certificate-error" };
  if (/SSL|TLS|EPROTO/.test(code)) return { tag: "TLS-protocol-error" };
  const tag = errorCodes[code];
  return tag === undefined
    ? { tag: "internal-error", value: message }
    : tag.endsWith("-size")
    ? { tag, value: undefined }
    : { tag };
}
