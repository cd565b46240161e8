import { CapsuleError } from "../../base/errors.ts";
import { cannotListen } from "../../server/listen_failure.ts";
import { readPem } from "../../server/tls_files.ts";

/** A certificate and its key as PEM text. */
interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/**
 * Certificate and key from their files, tried.
 *
 * @throws CapsuleError `TLS` when a file cannot be read, when they do not fit, and where this version of Deno cannot serve by them.
 */
export async function readTls(crt: string, key: string): Promise<KeyPair> {
  const pair = await readPem({ crt, key });
  // The runtime looks at them when it begins to listen; `TlsSocket` would find out when the first client comes.
  const [host, port] = ["127.0.0.1", 0];
  try {
    Deno.listenTls({ hostname: host, port, ...pair }).close();
  } catch (error) {
    throw cannotListen({ host, port, tls: { crt, key } }, error);
  }
  await assertServes(pair);
  return pair;
}

/** How long a handshake within this process may take. */
const tryMs = 5000;

/** Tries a handshake within this process: older versions of Deno have none for a `TlsSocket`. */
async function assertServes(pair: KeyPair): Promise<void> {
  const { createSecureContext, TlsSocket } = await import("./tls_socket.ts");
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const [dialed, plain] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port }),
    listener.accept(),
  ]);
  using client = await Deno.startTls(dialed, { hostname: "localhost" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const server = new TlsSocket(plain, createSecureContext(pair));
    server.handshake(0).catch(() => {});
    // A client that does not trust the certificate has seen one.
    const served = client.handshake().then(
      () => true,
      (error) => error instanceof Deno.errors.InvalidData,
    );
    const late = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), tryMs));
    const serves = await Promise.race([served, late]);
    server.close();
    if (serves) return;
  } catch {
    // It is not even begun.
  } finally {
    clearTimeout(timer);
  }
  throw new CapsuleError(
    "TLS",
    "-crt cannot be used with this version of Deno, by which a client that stands still could not be cut off (2.9.6 can)",
  );
}
