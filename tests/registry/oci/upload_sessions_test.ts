import assert from "node:assert/strict";
import { UploadSessions } from "../../../src/registry/oci/upload_sessions.ts";
import { withStore } from "../store/test_store.ts";

Deno.test("UploadSessions: at its limit ends the session that was used least recently", () =>
  withStore({}, ({ open }) =>
    open(async (store) => {
      const sessions = new UploadSessions(3);
      const begin = () => sessions.begin("a", () => store.blobs.begin());
      const [first, second, third] = [await begin(), await begin(), await begin()];
      await sessions.use("a", first.id, () => Promise.resolve());
      const fourth = await begin();
      assert.throws(() => sessions.get("a", second.id), { code: "BLOB_UPLOAD_UNKNOWN" });
      await assert.rejects(Deno.stat(second.writer.path), Deno.errors.NotFound);
      for (const { id } of [first, third, fourth]) assert.equal(sessions.get("a", id).id, id);
      await sessions.endIdle(Infinity);
    })));

Deno.test("UploadSessions: refuses a session while every other is busy", () =>
  withStore({}, ({ open }) =>
    open(async (store) => {
      const sessions = new UploadSessions(1);
      const begin = () => sessions.begin("a", () => store.blobs.begin());
      const { id } = await begin();
      await sessions.use("a", id, async () => {
        await assert.rejects(begin(), { status: 429, code: "TOOMANYREQUESTS" });
      });
      await begin();
      assert.throws(() => sessions.get("a", id), { code: "BLOB_UPLOAD_UNKNOWN" });
      await sessions.endIdle(Infinity);
    })));
