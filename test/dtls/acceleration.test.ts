import t from 'tap';
import { acceleratedProtection, accelerationInUse } from '../../src/dtls/acceleration.ts';
import { datagramAcceleration } from '../../src/udp/index.ts';

t.test('what is turned off is not used, and says so', async (t) => {
  t.strictSame(accelerationInUse(false), {
    records: 'node:crypto',
    datagrams: 'dgram',
    text: 'Not accelerated: node:crypto and node:dgram (turned off)',
  });
  t.equal(acceleratedProtection(false), undefined);
});

t.test('what is told to be in use is what the engine gets', async (t) => {
  const { records, datagrams, text } = accelerationInUse();
  t.equal(records, acceleratedProtection() === undefined ? 'node:crypto' : 'evp');
  t.equal(datagrams, datagramAcceleration().kind);
  t.equal(acceleratedProtection(), acceleratedProtection(), 'native code is loaded once');
  t.match(text, records === 'evp' ? /^Accelerated: records by Node's own OpenSSL/ : /records by node:crypto \(/);
  t.match(text, datagrams === 'mmsg' ? /UDP in batches$/ : /UDP by node:dgram \(/);
});
