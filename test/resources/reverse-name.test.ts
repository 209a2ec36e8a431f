import t from 'tap';
import { addressOfReverseName, reverseName } from '../../src/resources/reverse-name.ts';

// RFC 1035 §3.5, RFC 3596 §2.5: the examples of the specifications.
const IPV6 = 'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa';

t.test('an address has a reverse name, and the name leads back to it', async (t) => {
  t.equal(reverseName('10.2.0.52'), '52.0.2.10.in-addr.arpa');
  t.equal(reverseName('4321:0:1:2:3:4:567:89ab'), IPV6);
  for (const address of ['10.2.0.52', '4321:0:1:2:3:4:567:89ab']) {
    t.equal(addressOfReverseName(reverseName(address)), address);
  }
});

t.test('what is no address is refused by its name', async (t) => {
  for (const text of ['intranet', '10.2.0', '']) {
    t.throws(() => reverseName(text), new TypeError(`${text} is not an IP address`), text);
  }
});

t.test('a part of a reverse name, or one with more before it, stands for no address', async (t) => {
  for (const name of ['2.10.in-addr.arpa', 'x.52.0.2.10.in-addr.arpa', IPV6.slice(2), `0.${IPV6}`, 'ip6.arpa', 'a']) {
    t.equal(addressOfReverseName(name), undefined, name);
  }
});
