import type { NetworkInterfaceInfo } from 'node:os';
import t from 'tap';
import { lanAddress, lanName, linkMtu } from '../../src/pairing/lan-address.ts';

const at = (address: string, internal = false): NetworkInterfaceInfo[] => [
  { address, internal, family: 'IPv4', netmask: '255.255.255.0', mac: '02:00:00:00:00:01', cidr: `${address}/24` },
];

t.test('the address of a real interface is taken, a private one first', async (t) => {
  const lo = at('127.0.0.1', true);
  t.match(lanAddress({ lo, docker0: at('192.168.99.1'), en0: at('192.168.1.20') }), {
    address: '192.168.1.20',
    interface: 'en0',
  });
  t.match(lanAddress({ utun3: at('10.1.2.3'), en1: at('203.0.113.9') }), { interface: 'en1' });
  t.match(lanAddress({ eth0: at('10.0.0.5'), wlan0: at('192.168.0.7') }), { interface: 'wlan0' });
  t.match(lanAddress({ lo, docker0: at('172.17.0.1') }), { interface: 'docker0' }, 'better than none');
  t.throws(
    () => lanAddress({ lo, en0: at('169.254.7.7') }),
    { code: 'ERR_LAN_ADDRESS' },
    'without DHCP there is no network',
  );
  t.throws(() => lanAddress({}), { code: 'ERR_LAN_ADDRESS' });
});

t.test('a machine is called by multicast DNS, unless it has a domain', async (t) => {
  t.equal(lanName('Toms-MacBook'), 'toms-macbook.local');
  t.equal(lanName('toms-macbook.local'), 'toms-macbook.local');
  t.equal(lanName('dev.example.com.'), 'dev.example.com');
});

t.test('an MTU is told where the system has it in a file', async (t) => {
  t.equal(linkMtu('no such interface'), undefined);
  if (process.platform === 'linux') t.ok(linkMtu('lo')! >= 1500);
});
