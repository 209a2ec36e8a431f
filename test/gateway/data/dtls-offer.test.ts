import t from 'tap';
import { chooseDtlsMode, dtlsOfferHeaders, dtlsOverhead } from '../../../src/gateway/data/dtls-offer.ts';
import { mergeClientHeaders, noClientHeaders } from '../../../src/wire/cstp-headers.ts';

const SECRET = '5A3DC117FCD4BAECA54C7AC0A75D7720D170CD8F8AB1517A5BD7C4D9DE441BBEC7B011F3487E842CC6CA677C966F85C3';
// As openconnect 9.01 sends them (transcript 19).
const DTLS =
  'OC-DTLS1_2-AES256-GCM:OC2-DTLS1_2-CHACHA20-POLY1305:OC-DTLS1_2-AES128-GCM:DHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA:AES256-SHA:AES128-SHA';
const DTLS12 =
  'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-GCM-SHA256:DHE-RSA-AES256-SHA:AES256-SHA';

const offered = (headers: Record<string, string>) =>
  chooseDtlsMode(mergeClientHeaders(noClientHeaders(), Object.entries(headers), 'CONNECT'));

t.test('PSK-NEGOTIATE wins wherever it stands, with or without a master secret [§7.1]', async (t) => {
  t.same(offered({ 'x-dtls-ciphersuite': `PSK-NEGOTIATE:${DTLS}`, 'x-dtls-master-secret': SECRET }), { kind: 'psk' });
  t.same(offered({ 'x-dtls-ciphersuite': `${DTLS}:PSK-NEGOTIATE` }), { kind: 'psk' }, 'OpenSSL builds name it last');
  t.same(offered({ 'x-dtls12-ciphersuite': 'PSK-NEGOTIATE' }), { kind: 'psk' });
  t.equal(offered({ 'x-dtls-ciphersuite': 'NOT-PSK-NEGOTIATE-2' }), undefined, 'only as a whole item');
});

t.test('legacy suites are chosen by our order, those of X-DTLS12-CipherSuite first [§7.3]', async (t) => {
  const secret = { 'x-dtls-master-secret': SECRET };
  t.match(offered({ ...secret, 'x-dtls-ciphersuite': DTLS, 'x-dtls12-ciphersuite': DTLS12 }), {
    kind: 'legacy',
    header: 'X-DTLS12-CipherSuite',
    name: 'ECDHE-RSA-AES256-GCM-SHA384',
    suite: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  });
  t.match(offered({ ...secret, 'x-dtls-ciphersuite': 'OC-DTLS1_2-AES128-GCM' }), {
    header: 'X-DTLS-CipherSuite',
    name: 'OC-DTLS1_2-AES128-GCM',
    suite: 'TLS_RSA_WITH_AES_128_GCM_SHA256',
  });
  for (const [name, suite] of [
    ['AES128-GCM-SHA256', 'TLS_RSA_WITH_AES_128_GCM_SHA256'],
    ['AES256-GCM-SHA384', 'TLS_RSA_WITH_AES_256_GCM_SHA384'],
    ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
  ] as const) {
    t.match(offered({ ...secret, 'x-dtls12-ciphersuite': name }), { name, suite });
  }
});

t.test('nothing is offered without a header, a usable secret or a common suite', async (t) => {
  t.equal(offered({}), undefined);
  t.equal(offered({ 'x-dtls12-ciphersuite': DTLS12 }), undefined, 'no secret');
  t.equal(offered({ 'x-dtls12-ciphersuite': DTLS12, 'x-dtls-master-secret': SECRET.slice(2) }), undefined, 'short');
  t.equal(offered({ 'x-dtls-ciphersuite': 'DHE-RSA-AES128-SHA', 'x-dtls-master-secret': SECRET }), undefined);
});

t.test('the answer names the session and the suite in the header that the mode asks for [§5.2]', async (t) => {
  const id = Buffer.alloc(32, 0xab);
  t.same(dtlsOfferHeaders({ kind: 'psk' }, id, 1434), [
    ['X-DTLS-App-ID', 'ab'.repeat(32)],
    ['X-DTLS-CipherSuite', 'PSK-NEGOTIATE'],
  ]);
  const legacy = offered({ 'x-dtls-ciphersuite': 'OC-DTLS1_2-AES128-GCM', 'x-dtls-master-secret': SECRET })!;
  t.same(dtlsOfferHeaders(legacy, id, 1434), [
    ['X-DTLS-Session-ID', 'ab'.repeat(32)],
    ['X-DTLS-CipherSuite', 'OC-DTLS1_2-AES128-GCM'],
    ['X-DTLS-MTU', '1434'],
  ]);
  t.equal(1500 - 28 - dtlsOverhead(legacy, 'TLS_AES_256_GCM_SHA384'), 1434, 'the MTU of the transcripts [§5.4]');
  t.equal(1500 - 28 - dtlsOverhead({ kind: 'psk' }, 'TLS_AES_256_GCM_SHA384'), 1434);
  t.equal(1500 - 28 - dtlsOverhead({ kind: 'psk' }, 'TLS_CHACHA20_POLY1305_SHA256'), 1442);
  t.equal(1500 - 28 - dtlsOverhead({ kind: 'psk' }, 'ECDHE-RSA-AES256-SHA384'), 1406, 'a client of CBC only');
});
