import { Buffer } from 'node:buffer';
import t, { type Test } from 'tap';
import { parseFilter } from '../../../src/intune/graph/filter.ts';
import { lintDocument } from '../../../src/intune/lint/index.ts';
import { graphClient } from '../../support/graph.ts';
import { start } from '../../support/running-simulator.ts';

/* Requests and policies that are made to cost much, to confuse, or to get by what is checked. Each is refused as Graph refuses. */

const POLICIES = '/beta/deviceAppManagement/targetedManagedAppConfigurations';
const SITES = '/beta/deviceManagement/microsoftTunnelSites';
const JSON_BODY = { 'content-type': 'application/json' };

const sim = await start(t);
const intune = await sim.intune();
const graph = await graphClient(t, sim);
const everything = () => JSON.stringify(intune.export());

async function refused(
  t: Test,
  request: Parameters<typeof graph>,
  status: number,
  code: string,
  message: RegExp,
): Promise<void> {
  const before = everything();
  const answer = await graph(...request);
  const what = `${request[0]} ${request[1].slice(0, 100)}`;
  t.equal(answer.status, status, what);
  t.match(answer.body, { error: { code, message, innerError: { 'request-id': String, date: /Z$/ } } }, what);
  t.equal(everything(), before, 'nothing changed');
}

t.test('names that no object has are refused wherever a query has them, before anything is done', async (t) => {
  const unknown =
    /Could not find a property named 'colour' on type 'microsoft\.graph\.targetedManagedAppConfiguration'/;
  for (const query of [
    "$filter=colour eq 'red'",
    "$filter=not startswith(colour,'r')",
    '$select=id,colour',
    '$expand=colour',
    '$orderby=colour',
  ]) {
    await refused(t, ['GET', `${POLICIES}?${query}`], 400, 'BadRequest', unknown);
  }
  await refused(t, ['POST', `${POLICIES}?$select=colour`, { displayName: 'a' }], 400, 'BadRequest', unknown);
  await refused(t, ['GET', `${SITES}?$select=__proto__`], 400, 'BadRequest', /'__proto__'/);
  await refused(t, ['GET', `${SITES}?$filter=constructor eq null`], 400, 'BadRequest', /'constructor'/);
  for (const query of [
    "$filter=DISPLAYNAME eq 'x' and not(isof('microsoft.graph.x')) and @odata.type ne null",
    '$select=*',
    '$expand=apps($select=id),assignments,deploymentSummary',
    '$orderby=displayName desc,lastModifiedDateTime',
  ]) {
    t.equal((await graph('GET', `${POLICIES}?${query}`)).status, 200, query);
  }
  for (const path of ['deviceManagement/deviceConfigurations', 'deviceAppManagement/managedAppPolicies']) {
    t.equal((await graph('GET', `/beta/${path}?$filter=displayName eq 'x'&$select=id,version`)).status, 200, path);
    await refused(t, ['GET', `/beta/${path}?$select=colour`], 400, 'BadRequest', /'colour' on type/);
  }
});

t.test('forged tokens of pages and other nonsense in a query', async (t) => {
  for (const token of ["' or 1=1", '-1', '1e3', '999999999', '%00', 'A'.repeat(3000)]) {
    await refused(t, ['GET', `${POLICIES}?$skiptoken=${encodeURIComponent(token)}`], 400, 'BadRequest', /\$skiptoken/);
  }
  t.match(await graph('GET', `${POLICIES}?$skiptoken=1000000`), { status: 200, body: { value: [] } });
  await refused(t, ['GET', `${POLICIES}?$count=maybe`], 400, 'BadRequest', /'maybe' for \$count/);
  const order = Array(400).fill('displayName desc').join(',');
  await refused(t, ['GET', `${POLICIES}?$orderby=${order}`], 400, 'BadRequest', /more than 8/);
  for (const filter of [
    '%E0%A4%A',
    encodeURIComponent('💥 eq 💥'),
    `${'a/'.repeat(1000)}b eq 1`,
    "apps/any(a: a eq 'x')",
  ]) {
    await refused(t, ['GET', `${POLICIES}?$filter=${filter}`], 400, 'BadRequest', /Invalid filter clause/);
  }
  await refused(t, ['GET', '/beta'], 400, 'BadRequest', /address/);
  await refused(t, ['GET', `${POLICIES}('open`], 400, 'BadRequest', /segment/);
  await refused(t, ['GET', `${POLICIES}('it''s')`], 404, 'ResourceNotFound', /it's/);
});

t.test('a condition that does not hold stops a change', async (t) => {
  const { id } = intune.objects.create('targetedManagedAppConfigurations', { displayName: 'a' });
  for (const tag of ['garbage', 'W/"1"', '"', '*,*', 'x'.repeat(4000)]) {
    const header = { 'if-match': tag };
    const body = { displayName: 'b' };
    await refused(t, ['PATCH', `${POLICIES}/${id}`, body, header], 412, 'PreconditionFailed', /no ETag/);
    await refused(t, ['DELETE', `${POLICIES}/${id}`, undefined, header], 412, 'PreconditionFailed', /no ETag/);
  }
  t.equal((await graph('PATCH', `${POLICIES}/${id}`, { displayName: 'b' }, { 'if-match': '*' })).status, 200);
  t.equal((await graph('GET', `${POLICIES}/${id}`, undefined, { 'if-match': 'x' })).status, 200);
  intune.objects.remove('targetedManagedAppConfigurations', id);
});

t.test('bodies that would take long to read', async (t) => {
  const post = (body: string): Parameters<typeof graph> => ['POST', POLICIES, body, JSON_BODY];
  await refused(t, post(`{"displayName":"${'x'.repeat(10 * 1024 * 1024)}"}`), 413, 'RequestEntityTooLarge', /4194304/);
  await refused(t, post('['.repeat(1_000_000)), 400, 'BadRequest', /Unable to read JSON/);
  await refused(t, post(`${'{"a":'.repeat(500_000)}1`), 400, 'BadRequest', /the limit is 30000/);
  const members = Array.from({ length: 200_000 }, (_, i) => `"m${i}":1`).join(',');
  await refused(t, post(`{${members}}`), 400, 'BadRequest', /200000 members; the limit is 30000/);
  const longest = {
    displayName: 'longest lists',
    apps: Array.from({ length: 1000 }, (_, i) => ({
      mobileAppIdentifier: { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId: `app${i}` },
    })),
    customSettings: Array.from({ length: 1000 }, (_, i) => ({ '@odata.type': 'x', name: `k${i}`, value: ':' })),
    assignments: Array.from({ length: 1000 }, (_, i) => ({
      target: {
        '@odata.type': '#microsoft.graph.groupAssignmentTarget',
        groupId: `0f3f2a86-5a5c-4b5e-9d5f-${String(i).padStart(12, '0')}`,
        deviceAndAppManagementAssignmentFilterId: null,
        deviceAndAppManagementAssignmentFilterType: 'none',
      },
    })),
  };
  const { status, body } = await graph('POST', POLICIES, longest);
  t.equal(status, 201, 'the longest lists that there may be are read');
  intune.objects.remove('targetedManagedAppConfigurations', String(body.id));
});

t.test('types that are none', async (t) => {
  for (const type of [
    5,
    null,
    ['#microsoft.graph.targetedManagedAppConfiguration'],
    {},
    '__proto__',
    '#'.repeat(1e6),
  ]) {
    const body = { '@odata.type': type, displayName: 'a' };
    await refused(t, ['POST', POLICIES, body], 400, 'BadRequest', /type/);
  }
});

t.test('a long text is put into lower case once, however often a filter looks at it', async (t) => {
  let lowered = 0;
  const text = 'Ä'.repeat(100_000);
  const original = String.prototype.toLowerCase;
  String.prototype.toLowerCase = function lower(this: string) {
    if (this.length === text.length) lowered++;
    return original.call(this);
  };
  t.teardown(() => {
    String.prototype.toLowerCase = original;
  });
  const { matches, names } = parseFilter(Array(100).fill("contains(displayName,'z')").join(' or '));
  t.strictSame([...names], ['displayName']);
  t.notOk(matches({ displayName: text }));
  t.equal(lowered, 1);
});

t.test('policies by the hundred, with names of megabytes, make no findings without end', async (t) => {
  const policy = (i: number) => ({
    displayName: `${i} ${'n'.repeat(i === 0 ? 2_000_000 : 1)}`,
    apps: Array.from({ length: 50 }, (_, app) => ({
      mobileAppIdentifier: { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId: `app${app}` },
    })),
    assignments: [{ target: { '@odata.type': '#microsoft.graph.allLicensedUsersAssignmentTarget' } }],
    customSettings: [{ name: 'com.microsoft.tunnel.server_address', value: `host${i}.contoso.com:443` }],
  });
  const document = { targetedManagedAppConfigurations: Array.from({ length: 400 }, (_, i) => policy(i)) };
  const findings = lintDocument(document, 0);
  t.equal(findings.length, 1001);
  t.match(findings.at(-1), { message: /And \d+ more findings, which are not listed\.$/ });
  t.ok(Buffer.byteLength(JSON.stringify(findings)) < 2_000_000);
  const few = lintDocument(
    { targetedManagedAppConfigurations: document.targetedManagedAppConfigurations.slice(0, 20) },
    0,
  );
  const last = few.filter(({ rule, subject }) => rule === 'policies-race' && subject.includes('“19 n”'));
  t.equal(last.length, 5, 'the rivals of one policy that are told');
});

t.test('no fault of ours was behind any of it', async (t) => {
  const faults = sim.journal.query({ name: 'graph.refused' }).filter(({ fields }) => Number(fields.status) >= 500);
  t.strictSame(faults, []);
});
