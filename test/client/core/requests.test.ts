import t from 'tap';
import { systemCarrier } from '../../../src/client/core/carrier.ts';
import { ControlConnection } from '../../../src/client/core/control-connection.ts';
import { trust } from '../../../src/client/core/index.ts';
import { cut } from '../../../src/client/core/not-a-gateway.ts';
import { type HttpRequest, headerValues } from '../../../src/wire/http1/index.ts';
import { LightLab } from '../../support/light-lab.ts';
import { ANSWERS, requestsOf, scriptedGateway } from '../../support/scripted-gateway.ts';

/* What a client asks of its gateway, and what it makes of the answers. */

/** A gateway that lets clients in, and gives these answers to CONNECT, one connection after the other. */
async function gatewayOf(login: string, ...connected: string[]) {
  const requests: HttpRequest[] = [];
  const gateway = await scriptedGateway(async (socket) => {
    const from = requestsOf(socket);
    let challenged = false;
    for (;;) {
      const request = await from.next();
      requests.push(request);
      if (request.method === 'CONNECT') break;
      socket.write(challenged ? login : ANSWERS.challenge);
      challenged = true;
    }
    socket.write(connected.shift() ?? ANSWERS.connected());
  });
  const connects = () => requests.filter(({ method }) => method === 'CONNECT').map(({ headers }) => headers);
  return { gateway, requests, connects };
}

const WITH_COOKIE = ANSWERS.complete.replace('\r\n', '\r\nSet-Cookie: webvpn=abc; Secure\r\n');

t.test('a client that comes back shows the cookie and the addresses of its session', async (t) => {
  const { gateway, requests, connects } = await gatewayOf(WITH_COOKIE);
  await using lab = new LightLab(gateway);
  await lab.client.connect();
  lab.client.networkChanged();
  await lab.until(() => lab.client.state === 'connected');
  t.strictSame(
    connects().map((headers) => [headerValues(headers, 'cookie'), headerValues(headers, 'x-cstp-address')]),
    [
      [['webvpn=abc'], []],
      [['webvpn=abc'], ['10.0.0.2']],
    ],
  );
  t.equal(requests.length, 4, 'without another login');
  await lab.client.close();
  await gateway[Symbol.asyncDispose]();
});

t.test('a gateway that sets no cookie is shown none', async (t) => {
  const { gateway, connects } = await gatewayOf(ANSWERS.complete);
  await using lab = new LightLab(gateway);
  await lab.client.connect();
  t.strictSame(headerValues(connects()[0]!, 'cookie'), []);
  await lab.client.close();
  await gateway[Symbol.asyncDispose]();
});

t.test('a gateway that opens no tunnel may say why', async (t) => {
  for (const [lines, message] of [
    ['X-Reason: Come back later\r\n', /503 Busy to CONNECT: Come back later\.$/],
    ['', /503 Busy to CONNECT\.$/],
  ] as const) {
    const { gateway } = await gatewayOf(WITH_COOKIE, `HTTP/1.1 503 Busy\r\n${lines}Content-Length: 0\r\n\r\n`);
    await using lab = new LightLab(gateway);
    await t.rejects(lab.client.connect(), { code: 'ERR_CLIENT_SESSION_REFUSED', message, details: { final: false } });
    await gateway[Symbol.asyncDispose]();
  }
});

t.test('a request that is given up before it is sent is not sent', async (t) => {
  const requests: HttpRequest[] = [];
  await using gateway = await scriptedGateway(async (socket) => {
    const from = requestsOf(socket);
    for (;;) {
      requests.push(await from.next());
      socket.write(ANSWERS.complete);
    }
  });
  const connection = await ControlConnection.open({
    host: 'localhost',
    port: gateway.port,
    carrier: systemCarrier,
    secureContext: trust(gateway.caPem),
    serverName: undefined,
    signal: new AbortController().signal,
  });
  t.teardown(() => connection.close());
  const ask = (path: string, signal: AbortSignal) => connection.exchange({ method: 'POST', path, headers: [] }, signal);
  await t.rejects(ask('/first', AbortSignal.abort(new Error('enough'))), { message: 'enough' });
  t.equal((await ask('/second', new AbortController().signal)).status, 200);
  t.strictSame(
    requests.map(({ target }) => target),
    ['/second'],
  );
});

t.test('words of others are cut only where they are too long', async (t) => {
  t.equal(cut('abc', 3), 'abc');
  t.equal(cut('abcd', 3), 'abc…');
  t.equal(cut('', 3), '');
});
