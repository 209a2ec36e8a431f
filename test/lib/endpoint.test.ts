import t from 'tap';
import {
  bareHost,
  canonicalEndpoint,
  connectAddress,
  connectHost,
  endpointText,
  hostText,
  isWildcard,
  sameEndpoint,
} from '../../src/lib/endpoint.ts';

t.test('IPv6 addresses stand in brackets, and come out of them', async (t) => {
  t.equal(endpointText('::1', 443), '[::1]:443');
  t.equal(endpointText('192.0.2.1', 53), '192.0.2.1:53');
  t.equal(endpointText('app.example', 80), 'app.example:80');
  for (const host of ['fd10::1', '192.0.2.1', 'app.example']) t.equal(bareHost(hostText(host)), host);
});

t.test('who listens everywhere, or on loopback, is reached on loopback', async (t) => {
  for (const [listen, wildcard, address, host] of [
    ['0.0.0.0', true, '127.0.0.1', 'localhost'],
    ['::', true, '::1', 'localhost'],
    ['127.0.0.1', false, '127.0.0.1', 'localhost'],
    ['::1', false, '::1', 'localhost'],
    ['0:0::0', true, '::1', 'localhost'],
    ['0:0:0::1', false, '0:0:0::1', 'localhost'],
    ['192.0.2.1', false, '192.0.2.1', '192.0.2.1'],
    ['toString', false, 'toString', 'toString'],
  ] as const) {
    t.equal(isWildcard(listen), wildcard, listen);
    t.equal(connectAddress(listen), address, listen);
    t.equal(connectHost(listen), host, listen);
  }
});

t.test('all spellings of an endpoint have one in common', async (t) => {
  for (const [text, canonical] of [
    ['[FD10:0020::0]:443', '[fd10:20::]:443'],
    ['FD10:0020::0', 'fd10:20::'],
    ['192.0.2.1:53', '192.0.2.1:53'],
    ['app.Example:80', 'app.Example:80'],
    ['[fd10::x]:443', '[fd10::x]:443'],
    ['[FD10::1]', '[FD10::1]'],
    ['', ''],
  ] as const) {
    t.equal(canonicalEndpoint(text), canonical);
  }
});

t.test('endpoints are the same when address and port are', (t) => {
  const a = { address: '192.0.2.1', port: 443 };
  t.equal(sameEndpoint(a, a), true);
  t.equal(sameEndpoint(a, { ...a }), true);
  t.equal(sameEndpoint(a, { ...a, port: 444 }), false);
  t.equal(sameEndpoint(a, { ...a, address: '192.0.2.2' }), false);
  t.end();
});
