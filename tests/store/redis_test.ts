import { RedisStore } from "../../src/store/redis.ts";
import { keyValueSettings, type RedisSettings } from "../../src/store/settings.ts";
import { RedisServer, redisTest } from "../testing/redis_server.ts";
import { keyValueContract } from "./key_value_contract.ts";

/** Settings as the launcher makes them from its environment. */
export function redisSettings(variables: Record<string, string>): RedisSettings {
  const env = { get: (name: string) => variables[name], toObject: () => variables };
  const settings = keyValueSettings(env, "./.capsule");
  if (settings.kind !== "redis") throw new Error("REDIS_ADDR is missing");
  return settings;
}

keyValueContract("redis", redisTest, async (use) => {
  await using server = await RedisServer.start();
  const store = new RedisStore(redisSettings({ REDIS_ADDR: server.address }));
  try {
    await use(store);
  } finally {
    await store.close();
  }
});
