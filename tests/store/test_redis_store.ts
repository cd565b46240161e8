import { RedisStore } from "../../src/store/redis.ts";
import type { RedisTimeouts } from "../../src/store/redis_connection.ts";
import { keyValueSettings, type RedisSettings } from "../../src/store/settings.ts";

/** Parses settings from environment variables. */
export function redisSettings(variables: Record<string, string>): RedisSettings {
  const env = { get: (name: string) => variables[name], toObject: () => variables };
  const settings = keyValueSettings(env, "./.capsule");
  if (settings.kind !== "redis") throw new Error("REDIS_ADDR is missing");
  return settings;
}

/** A store that closes on disposal. */
export class TestStore extends RedisStore implements AsyncDisposable {
  constructor(variables: Record<string, string>, timeouts?: RedisTimeouts) {
    super(redisSettings(variables), timeouts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
