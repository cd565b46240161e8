import assert from "node:assert/strict";
import { Caller } from "../../src/wasm/call_state.ts";
import type { CallLimit, KeyValueStore } from "../../src/store/services.ts";

/** A limit that only a call that hangs reaches. */
export const patient: CallLimit = { timeoutMs: 30_000 };

/** Encodes text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Decodes UTF-8; `null` stays `null`. */
export function textOf(bytes: Uint8Array | null): string | null {
  return bytes && new TextDecoder().decode(bytes);
}

/**
 * Registers the contract suite of key-value stores. `open` returns a new, empty store.
 */
export function keyValueContract(
  name: string,
  test: (name: string, fn: () => Promise<void>) => void,
  withStore: (use: (store: KeyValueStore) => Promise<void>) => Promise<void>,
): void {
  const check = (sentence: string, use: (store: KeyValueStore) => Promise<void>) =>
    test(`${name}: ${sentence}`, () => withStore(use));

  check("get returns a value that was set", async (store) => {
    await store.set(utf8("greetings"), utf8("Hello World 👋"), patient);
    assert.equal(textOf(await store.get(utf8("greetings"), patient)), "Hello World 👋");
  });

  check("get returns null for a missing key, and an empty value as it is", async (store) => {
    assert.equal(await store.get(utf8("missing"), patient), null);
    await store.set(utf8("empty"), new Uint8Array(), patient);
    assert.deepEqual([...await store.get(utf8("empty"), patient) ?? [1]], []);
  });

  check("set replaces a value", async (store) => {
    await store.set(utf8("k"), utf8("first, and longer"), patient);
    await store.set(utf8("k"), utf8("second"), patient);
    assert.equal(textOf(await store.get(utf8("k"), patient)), "second");
  });

  check("keys and values may be any bytes", async (store) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const invalid = Uint8Array.of(0xff, 0x00, 0xc3, 0x28, 0x0d, 0x0a);
    for (const key of [bytes, invalid, utf8("clé 🔑"), new Uint8Array()]) {
      await store.set(key, bytes, patient);
      assert.deepEqual([...await store.get(key, patient) ?? []], [...bytes]);
      await store.set(key, invalid, patient);
      assert.deepEqual([...await store.get(key, patient) ?? []], [...invalid]);
    }
    assert.equal(await store.get(Uint8Array.of(0xff, 0x00, 0xc3, 0x28, 0x0d), patient), null);
  });

  check("get returns 5 MB byte for byte", async (store) => {
    const large = new Uint8Array(5 * 1000 * 1000);
    for (let index = 0; index < large.length; index++) {
      large[index] = (index * 31 + (index >> 11)) & 0xff;
    }
    await store.set(utf8("large"), large, patient);
    const back = await store.get(utf8("large"), patient) ?? new Uint8Array();
    assert.equal(Buffer.compare(back, large), 0);
  });

  check(
    "a caller that changes its bytes does not change the store",
    async (store) => {
      await store.set(utf8("k"), utf8("kept"), patient);
      (await store.get(utf8("k"), patient))?.fill(0);
      assert.equal(textOf(await store.get(utf8("k"), patient)), "kept");
    },
  );

  check("1,000 concurrent calls each get their own result", async (store) => {
    const names = Array.from({ length: 1000 }, (_, index) => `key ${index}`);
    await Promise.all(
      names.map((name) => store.set(utf8(name), utf8(`value of ${name}`), patient)),
    );
    const values = await Promise.all(names.map((name) => store.get(utf8(name), patient)));
    assert.deepEqual(values.map(textOf), names.map((name) => `value of ${name}`));
  });

  check(
    "swap sets the value if the expected one is there, and returns the current one if not",
    async (store) => {
      const key = utf8("k");
      const swap = (expected: Uint8Array | null, value: Uint8Array) =>
        store.swap(key, { expected, value }, patient);
      const bytes = Uint8Array.of(0xff, 0, 0xc3, 0x0a);
      assert.deepEqual(await swap(bytes, utf8("a")), { swapped: false, current: null });
      assert.deepEqual(await swap(null, bytes), { swapped: true });
      const refused = await swap(null, utf8("a"));
      assert.ok(!refused.swapped);
      assert.deepEqual([...refused.current ?? []], [...bytes]);
      assert.deepEqual(await swap(bytes, new Uint8Array()), { swapped: true });
      assert.equal((await swap(null, utf8("a"))).swapped, false);
      assert.deepEqual(await swap(new Uint8Array(), utf8("a")), { swapped: true });
      assert.equal(textOf(await store.get(key, patient)), "a");
      assert.equal((await swap(utf8("value"), utf8("b"))).swapped, false);
      assert.equal((await swap(utf8("missing"), utf8("b"))).swapped, false);
      assert.equal(textOf(await store.get(key, patient)), "a");
    },
  );

  check("one of several concurrent swaps succeeds", async (store) => {
    await store.set(utf8("k"), utf8("old"), patient);
    const swaps = await Promise.all(
      Array.from(
        { length: 50 },
        (_, at) => store.swap(utf8("k"), { expected: utf8("old"), value: utf8(`${at}`) }, patient),
      ),
    );
    const winners = swaps.flatMap(({ swapped }, at) => swapped ? [`${at}`] : []);
    assert.equal(winners.length, 1);
    assert.equal(textOf(await store.get(utf8("k"), patient)), winners[0]);
  });

  check("delete removes a key, and reports whether it existed", async (store) => {
    await store.set(utf8("k"), utf8("v"), patient);
    assert.equal(await store.delete(utf8("k"), patient), true);
    assert.equal(await store.get(utf8("k"), patient), null);
    assert.equal(await store.delete(utf8("k"), patient), false);
  });

  check(
    "increment counts from 0 or from the value, up to 64 bits",
    async (store) => {
      assert.equal(await store.increment(utf8("hits"), 1n, patient), 1n);
      assert.equal(await store.increment(utf8("hits"), 1n, patient), 2n);
      assert.equal(textOf(await store.get(utf8("hits"), patient)), "2");
      await store.set(utf8("hits"), utf8("-1"), patient);
      assert.equal(await store.increment(utf8("hits"), 1n, patient), 0n);
      await store.set(utf8("hits"), utf8("9223372036854775807"), patient);
      await assert.rejects(store.increment(utf8("hits"), 1n, patient), {
        code: "STORE",
        message: "ERR increment or decrement would overflow",
      });
      assert.equal(textOf(await store.get(utf8("hits"), patient)), "9223372036854775807");
      const last = -(2n ** 63n);
      assert.equal(await store.increment(utf8("hits"), last, patient), -1n);
      assert.equal(await store.increment(utf8("hits"), last + 1n, patient), last);
      await assert.rejects(store.increment(utf8("hits"), -1n, patient), {
        code: "STORE",
        message: "ERR increment or decrement would overflow",
      });
    },
  );

  check(
    "increment refuses a value that Redis refuses, and leaves it unchanged",
    async (store) => {
      for (
        const value of [
          "",
          " 1",
          "1 ",
          "01",
          "+1",
          "-0",
          "1.0",
          "0x1",
          "9223372036854775808",
          "one",
          "١",
        ]
      ) {
        await store.set(utf8("k"), utf8(value), patient);
        await assert.rejects(store.increment(utf8("k"), 1n, patient), {
          code: "STORE",
          message: "ERR value is not an integer or out of range",
        }, JSON.stringify(value));
        assert.equal(textOf(await store.get(utf8("k"), patient)), value);
      }
    },
  );

  check("100 concurrent increments count to 100", async (store) => {
    const sums = await Promise.all(
      Array.from({ length: 100 }, () => store.increment(utf8("n"), 1n, patient)),
    );
    assert.equal(new Set(sums).size, 100);
    assert.equal(textOf(await store.get(utf8("n"), patient)), "100");
  });

  check(
    "expire reports whether the key existed; a past time deletes it immediately",
    async (store) => {
      assert.equal(await store.expire(utf8("k"), 100n, patient), false);
      for (const seconds of [0n, -1n]) {
        await store.set(utf8("k"), utf8("v"), patient);
        assert.equal(await store.expire(utf8("k"), 100n, patient), true);
        assert.equal(textOf(await store.get(utf8("k"), patient)), "v");
        assert.equal(await store.expire(utf8("k"), seconds, patient), true);
        assert.equal(await store.get(utf8("k"), patient), null);
        assert.equal(await store.expire(utf8("k"), 100n, patient), false);
      }
    },
  );

  check("expire refuses a time that no clock reaches", async (store) => {
    await store.set(utf8("k"), utf8("v"), patient);
    for (const seconds of [9223372036854775807n, -9223372036854775808n, 9223372036854775n]) {
      await assert.rejects(store.expire(utf8("k"), seconds, patient), {
        message: "ERR invalid expire time in 'expire' command",
      });
    }
    await assert.rejects(store.expire(utf8("k"), 9223372036854775808n, patient), {
      message: "ERR value is not an integer or out of range",
    });
    assert.equal(textOf(await store.get(utf8("k"), patient)), "v");
  });

  check("keys matches as Redis does", async (store) => {
    const names = [
      "",
      "a",
      "b",
      "ab",
      "abc",
      "a*c",
      "a[c",
      "é",
      "h-llo",
      "hello",
      "hallo",
      "hxllo",
      "a\\c",
      "x\ny",
    ];
    for (const name of names) await store.set(utf8(name), utf8("v"), patient);
    for (const pattern of patterns) {
      const found = (await store.keys(utf8(pattern), patient)).map(textOf).sort();
      const expected = names.filter((name) => expectations[pattern]?.includes(name)).sort();
      assert.deepEqual(
        found,
        pattern === "*" ? [...names].sort() : expected,
        JSON.stringify(pattern),
      );
    }
  });

  check("keys returns each of very many keys once", async (store) => {
    const names = Array.from({ length: 5000 }, (_, index) => `many:${index}`);
    await Promise.all(names.map((name) => store.set(utf8(name), utf8("v"), patient)));
    await store.set(utf8("other"), utf8("v"), patient);
    const found = (await store.keys(utf8("many:*"), patient)).map(textOf).sort();
    assert.deepEqual(found, names.sort());
  });

  check(
    "a call whose caller has left rejects with the reason and changes nothing",
    async (store) => {
      const caller = new Caller();
      caller.leave(new Error("the request is gone"));
      await assert.rejects(store.set(utf8("k"), utf8("v"), { timeoutMs: 1000, caller }), {
        message: "the request is gone",
      });
      assert.equal(await store.get(utf8("k"), patient), null);
    },
  );

  check("after close every call fails instead of waiting", async (store) => {
    await store.set(utf8("k"), utf8("v"), patient);
    await store.close();
    await assert.rejects(store.get(utf8("k"), patient), { code: "STORE" });
    await assert.rejects(store.set(utf8("k"), utf8("v"), patient), { code: "STORE" });
    await store.close();
  });
}

/** The keys that each pattern matches; `*` matches all. Redis passes the same suite. */
const expectations: Record<string, readonly string[]> = {
  "*": [],
  "": [""],
  "?": ["a", "b"],
  "??": ["ab", "é"],
  "a*": ["a", "ab", "abc", "a*c", "a[c", "a\\c"],
  "*c": ["abc", "a*c", "a[c", "a\\c"],
  "a**c": ["abc", "a*c", "a[c", "a\\c"],
  "a?c": ["abc", "a*c", "a[c", "a\\c"],
  "a\\*c": ["a*c"],
  "a\\[c": ["a[c"],
  "a\\\\c": ["a\\c"],
  "a\\bc": ["abc"],
  "a[bc]c": ["abc"],
  "h[ae]llo": ["hello", "hallo"],
  "h[a-e]llo": ["hello", "hallo"],
  "h[e-a]llo": ["hello", "hallo"],
  "h[^e]llo": ["hallo", "hxllo", "h-llo"],
  "h[^a-x]llo": ["h-llo"],
  "h[\\-x]llo": ["h-llo", "hxllo"],
  "h[x": [],
  "a[": ["a["],
  "a[[]c": ["a[c"],
  "[a": ["a"],
  "[^a": ["b"],
  "[]a": [],
  "[": [],
  "x?y": ["x\ny"],
  "x*": ["x\ny"],
  "A*": [],
  "a\\": [],
  "é": ["é"],
};
const patterns = Object.keys(expectations);
