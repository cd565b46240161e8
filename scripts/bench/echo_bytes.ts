/**
 * Posts `length` bytes to a server that responds with them, and reads the response meanwhile.
 * Returns the elapsed seconds.
 *
 * @throws Error if the status is not 200 or the response is shorter.
 */
export async function echoBytes(port: number, length: number): Promise<number> {
  const beganMs = performance.now();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const [received] = await Promise.all([receive(connection), send(connection, length)]);
  if (received < length) throw new Error(`${received} of ${length} bytes came back`);
  return (performance.now() - beganMs) / 1000;
}

const chunk = new Uint8Array(256 * 1024).fill(0x61);

async function send(connection: Deno.TcpConn, length: number): Promise<void> {
  const head = `POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
    `Content-Length: ${length}\r\n\r\n`;
  await writeAll(connection, new TextEncoder().encode(head));
  for (let rest = length; rest > 0; rest -= chunk.length) {
    await writeAll(connection, chunk.subarray(0, Math.min(rest, chunk.length)));
  }
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** Returns the number of bytes after the head, the framing of chunks included. */
async function receive(connection: Deno.TcpConn): Promise<number> {
  const buffer = new Uint8Array(256 * 1024);
  let received = 0;
  let head = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return received;
    received += count;
    if (head.includes("\r\n\r\n")) continue;
    head += String.fromCharCode(...buffer.subarray(0, Math.min(count, 4096)));
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) continue;
    if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(`the response begins ${head}`);
    received -= end + 4;
  }
}
