import assert from "node:assert/strict";
import { startCapsule } from "../testing/capsule.ts";
import { findChromium, startChromium } from "../testing/chromium.ts";
import { wasm } from "../registry/test_registry.ts";
import { inFolder } from "../testing/temporary_folder.ts";

const chromium = await findChromium();

Deno.test(
  "registry page: works in a browser without script, searched, paged and on a phone",
  {
    // Under CI, which installs Chromium, its absence is a failure.
    ignore: chromium === undefined && !Deno.env.get("CI"),
  },
  async () => {
    assert(chromium, "Chromium is not installed (Debian: chromium)");
    await inFolder(async (files) => {
      await using server = await startCapsule(["-mode=registry", `-files=${files}`]);
      const upload = async (path: string, info: string) => {
        const body = new FormData();
        body.set("file", new Blob([wasm(path)]), "a.wasm");
        body.set("info", info);
        await (await fetch(`${server.url}/upload/${path}`, { method: "POST", body })).body
          ?.cancel();
      };
      await upload("k33g/hola/0.0.0", 'says <b>hola</b> & "more" 👋');
      await upload(`${"long".repeat(20)}/${"name".repeat(20)}/${"1".repeat(100)}`, "x".repeat(500));
      for (let index = 10; index < 60; index++) await upload(`many/module/${index}`, "");

      await using browser = await startChromium(chromium);
      await browser.page.setJavaScriptEnabled(false);
      await browser.page.setViewport({
        width: 360,
        height: 740,
        deviceScaleFactor: 2,
        isMobile: true,
      });
      await browser.open(`${server.url}/`);
      assert.equal(await browser.evaluate("document.querySelectorAll('li').length"), 50);
      assert.equal(
        await browser.evaluate("document.querySelector('main p').textContent"),
        "52 modules",
      );
      // On a phone nothing is wider than the screen, and the policy allows the style.
      assert.equal(await browser.evaluate("document.documentElement.scrollWidth"), 360);
      assert.equal(
        await browser.evaluate("getComputedStyle(document.querySelector('ul')).listStyleType"),
        "none",
      );
      assert.deepEqual(browser.complaints, []);

      const item = "document.querySelector('li')";
      await browser.open(`${server.url}/?q=HOLA`);
      assert.equal(await browser.evaluate("document.querySelectorAll('li').length"), 1);
      assert.equal(
        await browser.evaluate(`${item}.querySelector('h2').textContent`),
        "k33g/hola:0.0.0",
      );
      assert.equal(
        await browser.evaluate(`${item}.querySelector('p').textContent`),
        'says <b>hola</b> & "more" 👋',
      );
      assert.equal(
        await browser.evaluate(`${item}.querySelector('pre').textContent.trim()`),
        `capsule -mode=http -url=${server.url}/k33g/hola/0.0.0/hola.wasm -wasm=hola.wasm`,
      );
      assert(
        Number(
          await browser.evaluate(`${item}.querySelector('pre span:last-child').offsetHeight`),
        ) < 30,
      );
      const link = String(await browser.evaluate(`${item}.querySelector('a').href`));
      const downloaded = await fetch(link);
      assert.deepEqual(new Uint8Array(await downloaded.arrayBuffer()), wasm("k33g/hola/0.0.0"));

      await browser.open(`${server.url}/`);
      const next = String(await browser.evaluate("document.querySelector('a[rel=next]').href"));
      await browser.open(next);
      assert.equal(await browser.evaluate("document.querySelectorAll('li').length"), 2);
      assert.equal(await browser.evaluate("document.querySelector('a[rel=next]')"), null);

      await browser.open(
        `${server.url}/?q=${encodeURIComponent('"><script>document.title="x"</script>')}`,
      );
      assert.equal(
        await browser.evaluate("document.querySelector('input').value"),
        '"><script>document.title="x"</script>',
      );
      assert.equal(await browser.evaluate("document.scripts.length"), 0);
      for (const url of browser.requests) {
        assert(url.startsWith(`${server.url}/`) || url === "data:,", url);
      }
    }, "capsule-page-");
  },
);
