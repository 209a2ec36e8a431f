import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { skipUnless } from '../support/interop.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// Faults of the bytes under TLS, as curl and openconnect meet them. Names and meanings are those of Toxiproxy's toxics.

t.setTimeout(300_000);
const run = promisify(execFile);
const skip = skipUnless({ programs: SOCKS_TUNNEL_PROGRAMS });
const WHOAMI = 'http://intranet.contoso.internal/whoami';

/** A gateway without UDP, so that all of the tunnel is in its TCP connection. */
async function lab(t: Test) {
  const sim = await startSimulator({ gateway: { dpd: 90, disableUdp: true } });
  t.teardown(() => sim.close());
  const ca = join(t.testdir(), 'ca.pem');
  writeFileSync(ca, sim.ca);
  /** Asks the gateway for a page outside of any tunnel. */
  const page = async (...more: string[]) => {
    const format = '%{http_code} %{exitcode} %{time_total} %{time_appconnect} %{size_download}';
    const args = ['-sS', '--max-time', '10', '--cacert', ca, '-o', join(t.testdirName, 'page'), '-w', format];
    const { stdout } = await run('curl', [...args, ...more, `${sim.urls.gateway}/ca.pem`]).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    const [status, exit, total, handshake, size] = stdout.split(' ').map(Number);
    return { status, exit, total: total! * 1000, handshake: handshake! * 1000, size: size! };
  };
  const open = async () => {
    const tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir());
    t.teardown(() => tunnel[Symbol.asyncDispose]());
    return tunnel;
  };
  return { sim, page, open };
}

/** What curl says: https://curl.se/docs/manpage.html, EXIT CODES. */
const CURL = { ok: 0, partialFile: 18, timedOut: 28, tlsConnect: 35, emptyReply: 52, send: 55, receive: 56 } as const;

t.test('curl under each toxic', { skip: skipUnless({ programs: ['curl'] }) }, async (t) => {
  const { sim, page } = await lab(t);
  const plain = await page();
  t.match(plain, { status: 200, exit: CURL.ok });

  await t.test('latency: each flight takes it', async (t) => {
    await using rule = sim.faults.add({ on: { seam: 'tcp', direction: 'out' }, then: { do: 'latency', latency: 200 } });
    const { status, total } = await page();
    t.equal(status, 200);
    t.ok(total >= 400, `the server's flight and its answer, each 200 ms: ${total} ms`);
    t.equal(rule.hits(), 1);
  });

  await t.test('bandwidth: no more than so many KB a second', async (t) => {
    await using rule = sim.faults.add({ on: { seam: 'tcp', direction: 'out' }, then: { do: 'bandwidth', rate: 4 } });
    const { status, total } = await page();
    t.equal(status, 200);
    const { length } = sim.ca;
    t.ok(total >= length / 4, `${length} bytes and a handshake at 4 KB/s: ${total} ms`);
    t.equal(rule.hits(), 1);
  });

  await t.test('slow_close: the end comes later', async (t) => {
    await using rule = sim.faults.add({
      on: { seam: 'tcp', direction: 'out' },
      then: { do: 'slow_close', delay: 700 },
    });
    // Over TLS the end is told beforehand, by an alert. Who speaks no TLS waits for the end itself.
    const begin = performance.now();
    await t.rejects(run('curl', ['-sS', '--max-time', '10', sim.urls.gateway.replace('https', 'http')]), {
      code: CURL.emptyReply,
    });
    const total = performance.now() - begin;
    t.ok(total >= 700, `until the end: ${total} ms`);
    // The connection of the page before may end only now.
    t.ok(rule.hits() >= 1);
  });

  await t.test('timeout: nothing comes, and the connection is closed', async (t) => {
    await using rule = sim.faults.add({ on: { seam: 'tcp' }, then: { do: 'timeout', timeout: 400 } });
    const { status, exit, total } = await page();
    t.strictSame([status, exit], [0, CURL.tlsConnect]);
    t.ok(total >= 390, `${total} ms`);
    t.equal(rule.hits(), 1);
  });

  await t.test('timeout 0: nothing comes, ever', async (t) => {
    await using rule = sim.faults.add({ on: { seam: 'tcp' }, then: { do: 'timeout', timeout: 0 } });
    t.match(await page('--max-time', '2'), { status: 0, exit: CURL.timedOut });
    t.equal(rule.hits(), 1);
  });

  await t.test('reset_peer: a reset, not an end', async (t) => {
    await using rule = sim.faults.add({ on: { seam: 'tcp', kind: 'request' }, then: { do: 'reset_peer' } });
    const { status, exit } = await page();
    t.equal(status, 0);
    t.ok(
      exit === CURL.receive || exit === CURL.send,
      `"Connection reset by peer", as it reads or as it writes: ${exit}`,
    );
    t.equal(rule.hits(), 1);
  });

  await t.test('slicer: the page comes in slices, whole', async (t) => {
    await using rule = sim.faults.add({
      on: { seam: 'tcp', direction: 'out' },
      then: { do: 'slicer', average_size: 64, size_variation: 32, delay: 1000 },
    });
    const { status, size } = await page();
    t.strictSame([status, size], [200, Buffer.byteLength(sim.ca)]);
    t.equal(rule.hits(), 1);
  });

  await t.test('limit_data: the connection is closed within the page', async (t) => {
    await using rule = sim.faults.add({
      on: { seam: 'tcp', direction: 'out', kind: 'request' },
      then: { do: 'limit_data', bytes: 700 },
    });
    const { exit, size } = await page();
    t.ok(exit !== CURL.ok && size < Buffer.byteLength(sim.ca), `exit code ${exit}, ${size} bytes`);
    t.equal(rule.hits(), 1);
  });

  await t.test('stall: nothing until the rule is removed, and then all of it', async (t) => {
    const rule = sim.faults.add({ on: { seam: 'tcp' }, then: { do: 'stall' } });
    const answer = page();
    await rule.struck();
    rule.remove();
    t.match(await answer, { status: 200, exit: CURL.ok });
  });

  t.match(await page(), { status: 200 }, 'without a rule it is as before');
});

t.test('openconnect under each toxic', { skip }, async (t) => {
  const { sim, open } = await lab(t);
  const tunnel = await open();
  const fetch = async () => (await tunnel.fetch(WHOAMI)).toString();
  const on = { seam: 'tcp', kind: 'tunnel', user: 'alice@contoso.com' } as const;
  t.match(await fetch(), /alice/);

  await t.test('pages come through a slow line, in slices, late', async (t) => {
    const rules = [
      sim.faults.add({ on, then: { do: 'latency', latency: 50, jitter: 20 } }),
      sim.faults.add({ on, then: { do: 'bandwidth', rate: 200 } }),
      sim.faults.add({ on, then: { do: 'slicer', average_size: 100, size_variation: 50, delay: 10 } }),
    ];
    t.ok(
      rules.every((rule) => rule.seen() === 1),
      'a connection that is open already is struck',
    );
    const size = 50_000;
    const begin = performance.now();
    t.equal((await tunnel.fetch(`http://intranet.contoso.internal/bytes/${size}`)).length, size);
    t.ok(performance.now() - begin >= size / 200);
    t.ok(rules.every((rule) => rule.hits() === 1));
    // Removed while bytes wait: they go on in order, or TLS would break.
    const page = tunnel.fetch(`http://intranet.contoso.internal/bytes/${size}`);
    let over = false;
    const settled = page.finally(() => {
      over = true;
    });
    while (!over && rules.every((rule) => rule.held() === 0)) await new Promise((resolve) => setImmediate(resolve));
    t.notOk(over, 'bytes wait');
    for (const rule of rules) rule.remove();
    t.equal((await settled).length, size);
  });

  await t.test('stalled, nothing is lost', async (t) => {
    const rule = sim.faults.add({ on, then: { do: 'stall' } });
    const page = fetch();
    await rule.struck();
    rule.remove();
    t.match(await page, /alice/);
  });

  const back = async (t: Test, since: ReturnType<typeof sim.journal.mark>) => {
    await sim.journal.waitFor({ name: 'session.connect', since }, { timeout: 60_000 });
    t.match(await fetch(), /alice/, 'it comes back with its cookie');
  };

  await t.test('a reset in the middle: the client comes back', async (t) => {
    const mark = sim.journal.mark();
    const rule = sim.faults.add({ on, when: { times: 1 }, then: { do: 'reset_peer' } });
    await back(t, mark);
    t.equal(rule.hits(), 1);
    rule.remove();
  });

  await t.test('closed after so many bytes: the client comes back', async (t) => {
    const mark = sim.journal.mark();
    const rule = sim.faults.add({ on, when: { times: 1 }, then: { do: 'limit_data', bytes: 300 } });
    void fetch().catch(() => {});
    await rule.struck();
    await back(t, mark);
    rule.remove();
  });

  await t.test('no data, and then closed: the client comes back', async (t) => {
    const mark = sim.journal.mark();
    const rule = sim.faults.add({ on, when: { times: 1 }, then: { do: 'timeout', timeout: 500 } });
    await back(t, mark);
    t.equal(rule.hits(), 1);
    rule.remove();
  });
});
