import t from 'tap';
import { type ConfigProblem, resolveConfig } from '../../src/config/index.ts';
import { problems, warned } from '../support/config-problems.ts';

const withRecords = (...records: readonly { name: string; type: string; data: string }[]): ConfigProblem[] =>
  problems({ services: { records: records as never } });

t.test('records of all types are taken', async (t) => {
  const records = [
    { name: 'mail.contoso.internal', type: 'A', data: '10.20.0.77' },
    { name: 'mail.contoso.internal', type: 'AAAA', data: 'fd10:20::77' },
    { name: 'www.contoso.internal', type: 'CNAME', data: 'intranet.contoso.internal' },
    { name: 'contoso.internal', type: 'MX', data: '10 mail.contoso.internal' },
    { name: 'contoso.internal', type: 'TXT', data: 'v=spf1 -all' },
    { name: '_ldap._tcp.contoso.internal', type: 'SRV', data: '0 5 389 dc.contoso.internal' },
    { name: '10.20.0.77', type: 'PTR', data: 'mail.contoso.internal' },
  ] as const;
  const { services } = resolveConfig({ services: { records: [...records] } });
  t.match(services.records, records);
  t.equal(services.records[0]!.ttl, 60);
  t.same(warned({ 'services.records': [...records] }), []);
});

t.test('data that do not fit their type are refused, with what is expected', async (t) => {
  for (const [type, data, expected] of [
    ['A', 'fd10::1', /an IPv4 address/],
    ['AAAA', '10.20.0.1', /an IPv6 address/],
    ['CNAME', 'not a name', /a domain name/],
    ['MX', 'mail.contoso.internal', /a preference and a domain name/],
    ['MX', '70000 mail.contoso.internal', /a preference/],
    ['SRV', '0 5 dc.contoso.internal', /priority, weight, port/],
    ['TXT', 'ä'.repeat(2_500), /1 to 4000 bytes/],
  ] as const) {
    t.match(
      withRecords({ name: 'x.contoso.internal', type, data }),
      [{ path: 'services.records[0].data', expected }],
      `${type} ${data.slice(0, 30)}`,
    );
  }
  t.match(withRecords({ name: 'x.contoso.internal', type: 'NAPTR', data: 'x' }), [{ message: /no record type/ }]);
});

t.test('an alias stands alone and ends somewhere, and an address has names only', async (t) => {
  const alias = (name: string, data: string) => ({
    name: `${name}.contoso.internal`,
    type: 'CNAME',
    data: `${data}.contoso.internal`,
  });
  t.match(withRecords(alias('intranet', 'x')), [
    { message: /is an alias \(CNAME\), but there is also a host with this name/ },
  ]);
  t.match(withRecords(alias('x', 'intranet'), { name: 'X.contoso.internal', type: 'TXT', data: 'x' }), [
    { path: 'services.records[0].name', message: /there is also another record with this name/ },
  ]);
  t.match(withRecords(alias('a', 'b'), alias('b', 'A')), [{ message: /is circular/ }, { message: /is circular/ }]);
  t.match(withRecords({ name: '10.20.0.77', type: 'A', data: '10.20.0.77' }), [{ message: /not the address/ }]);
});

t.test('a name that clients ask for elsewhere is told', async (t) => {
  const records = [{ name: 'x.example.com', type: 'A', data: '10.20.0.77' }];
  t.match(warned({ 'services.records': records }), [/x\.example\.com, which is outside gateway\.splitDns/]);
});
