/**
 * Creates `ca.crt`, `server.crt` and `server.key` in the folder: an authority and a certificate for
 * these names, valid for a day.
 */
export async function makeCertificates(
  folder: string,
  names = "DNS:localhost,IP:127.0.0.1",
): Promise<void> {
  // The configuration of the system differs between machines.
  const config = `${folder}/openssl.cnf`;
  await Deno.writeTextFile(config, "[req]\ndistinguished_name = dn\n[dn]\n");
  const key = [
    "-config",
    config,
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
  ];
  await openssl(
    ["req", "-x509", ...key, "-days", "1", "-subj", "/CN=Capsule test authority"],
    ["-addext", "basicConstraints=critical,CA:TRUE"],
    ["-keyout", `${folder}/ca.key`, "-out", `${folder}/ca.crt`],
  );
  await openssl(
    ["req", "-x509", ...key, "-days", "1", "-subj", "/CN=localhost"],
    ["-CA", `${folder}/ca.crt`, "-CAkey", `${folder}/ca.key`],
    [
      "-addext",
      `subjectAltName=${names}`,
      "-addext",
      "basicConstraints=critical,CA:FALSE",
    ],
    ["-keyout", `${folder}/server.key`, "-out", `${folder}/server.crt`],
  );
}

async function openssl(...args: string[][]): Promise<void> {
  const command = new Deno.Command("openssl", { args: args.flat(), stdin: "null" });
  const { success, stderr } = await command.output();
  if (!success) {
    throw new Error(`openssl ${args.flat().join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
}
