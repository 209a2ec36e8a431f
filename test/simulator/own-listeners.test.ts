import { networkInterfaces } from 'node:os';
import t from 'tap';
import { OwnListeners } from '../../src/simulator/own-listeners.ts';

const listening = (host: string): OwnListeners => {
  const own = new OwnListeners();
  own.add(() => ({ what: 'the gateway', host, port: 8443 }));
  return own;
};

t.test('a listener on one address is found by all spellings of it, and by no other address', async (t) => {
  const own = listening('127.0.0.1');
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '0.0.0.0', '::'])
    t.equal(own.find(address, 8443), 'the gateway', address);
  for (const address of ['127.0.0.2', '::1', '192.0.2.1']) t.equal(own.find(address, 8443), undefined, address);
  t.equal(own.find('127.0.0.1', 8444), undefined);
  t.equal(listening('::1').find('0:0:0:0:0:0:0:1', 8443), 'the gateway');
});

t.test('who listens everywhere is found at every address of this machine', async (t) => {
  const own = listening('0.0.0.0');
  const all = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  for (const address of [...all, '127.9.9.9', '::1']) t.equal(own.find(address, 8443), 'the gateway', address);
  t.equal(own.find('192.0.2.1', 8443), undefined);
});
