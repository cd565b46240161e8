import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

const algorithm = "sha512";
const iterations = 4096;

/**
 * The server's side of SCRAM-SHA512, which authenticates a client without its password.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5802#section-3
 */
export class ScramServer {
  readonly #password: string;
  #clientFirst = "";
  #serverFirst = "";
  readonly #salt = randomBytes(16);

  constructor(password: string) {
    this.#password = password;
  }

  /** Returns the response to `n,,n=user,r=nonce`. */
  challenge(message: string): string {
    this.#clientFirst = message.slice(message.indexOf(",,") + 2);
    const nonce = /r=([^,]+)/.exec(this.#clientFirst)?.[1] ?? "";
    this.#serverFirst = `r=${nonce}${randomBytes(12).toString("hex")},s=${
      this.#salt.toString("base64")
    },i=${iterations}`;
    return this.#serverFirst;
  }

  /** Returns the response to `c=biws,r=nonce,p=proof`; `undefined` for a wrong password. */
  verify(message: string): string | undefined {
    const [withoutProof = "", proof = ""] = message.split(",p=");
    const authMessage = `${this.#clientFirst},${this.#serverFirst},${withoutProof}`;
    const salted = pbkdf2Sync(this.#password, this.#salt, iterations, 64, algorithm);
    const clientKey = hmac(salted, "Client Key");
    const signature = hmac(createHash(algorithm).update(clientKey).digest(), authMessage);
    const expected = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
    const given = Buffer.from(proof, "base64");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return `v=${hmac(hmac(salted, "Server Key"), authMessage).toString("base64")}`;
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac(algorithm, key).update(text).digest();
}
