import { deadline } from "../../base/deadline.ts";
import { CapsuleError } from "../../base/errors.ts";
import { cannotListen } from "../../server/listen_failure.ts";
import { readPem } from "../../server/tls_files.ts";

/** A certificate and its key as PEM text. */
interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/**
 * Reads a certificate and its key and tries them in a handshake.
 *
 * @throws CapsuleError `TLS` if a file cannot be read, if they do not match, or if this version of
 * Deno cannot serve TLS safely.
 */
export async function readTls(crt: string, key: string): Promise<KeyPair> {
  const pair = await readPem({ crt, key });
  // Deno checks them when it listens; `TlsSocket` only when the first client connects.
  const [host, port] = ["127.0.0.1", 0];
  try {
    Deno.listenTls({ hostname: host, port, ...pair }).close();
  } catch (error) {
    throw cannotListen({ host, port, tls: { crt, key } }, error);
  }
  await assertServes(pair);
  return pair;
}

/** The time limit of a handshake within this process. */
const handshakeMs = 5000;

/** Tries a handshake within this process, which older versions of Deno cannot do by `TlsSocket`. */
async function assertServes(pair: KeyPair): Promise<void> {
  const { createSecureContext, TlsSocket } = await import("./tls_socket.ts");
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const [dialed, plain] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port }),
    listener.accept(),
  ]);
  using client = await Deno.startTls(dialed, { hostname: "localhost" });
  try {
    const server = new TlsSocket(plain, createSecureContext(pair));
    server.handshake(0).catch(() => {});
    // A client that does not trust the certificate has received one.
    const served = client.handshake().then(
      () => true,
      (error) => error instanceof Deno.errors.InvalidData,
    );
    const serves = await deadline(served, handshakeMs).finally(() => server.close());
    if (serves) return;
  } catch {
    // The handshake could not begin, or did not end.
  }
  throw new CapsuleError(
    "TLS",
    "-crt needs Deno 2.9.6: this version cannot close the connection of a client that is idle in a handshake",
  );
}
