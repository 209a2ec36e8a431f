/* An administrator's script with Microsoft's own client for Graph, unmodified but for its base URL. Prints what it saw as JSON. */

import { Client, type GraphError, PageIterator } from '@microsoft/microsoft-graph-client';

const { origin, token } = JSON.parse(process.env.GIVEN!) as { origin: string; token: string };
const graph = Client.init({
  baseUrl: `${origin}/`,
  defaultVersion: 'beta',
  customHosts: new Set([new URL(origin).hostname]),
  authProvider: (done) => done(null, token),
});
const out: Record<string, unknown> = {};
const {
  value: [site],
} = await graph.api('/deviceManagement/microsoftTunnelSites').expand('microsoftTunnelServers').get();
out.site = { displayName: site.displayName, health: site.microsoftTunnelServers[0].tunnelServerHealthStatus };
const server = await graph.api(`/deviceManagement/microsoftTunnelSites/${site.id}/microsoftTunnelConfiguration`).get();
const patched = await graph
  .api(`/deviceManagement/microsoftTunnelConfigurations/${server.id}`)
  .patch({ advancedSettings: [{ name: 'session-timeout', value: '300' }] });
out.advanced = patched.advancedSettings;
const policy = await graph.api('/deviceAppManagement/targetedManagedAppConfigurations').post({
  displayName: "the client's policy",
  apps: [
    { mobileAppIdentifier: { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId: 'com.contoso.lob' } },
  ],
  customSettings: [{ name: 'com.microsoft.tunnel.connection_type', value: 'MicrosoftProtect' }],
});
out.id = policy.id;
const found = await graph
  .api('/deviceAppManagement/targetedManagedAppConfigurations')
  .filter("displayName eq 'the client''s policy'")
  .select(['id', 'version'])
  .get();
out.found = found.value.map((each: object) => Object.keys(each).sort());
await graph.api(`/deviceAppManagement/targetedManagedAppConfigurations('${policy.id}')/assign`).post({
  assignments: [{ target: { '@odata.type': '#microsoft.graph.allLicensedUsersAssignmentTarget' } }],
});
for (let i = 0; i < 120; i++)
  await graph
    .api('/groups')
    .version('v1.0')
    .post({ displayName: `group ${i}`, mailEnabled: false, mailNickname: `g${i}`, securityEnabled: true });
const first = await graph.api('/groups').version('v1.0').get();
out.paged = typeof first['@odata.nextLink'];
let count = 0;
const pages = new PageIterator(graph, first, () => {
  count++;
  return true;
});
await pages.iterate();
out.count = count;
out.me = (await graph.api('/me').get()).userPrincipalName;
try {
  await graph.api('/deviceManagement/microsoftTunnelSites/none').get();
} catch (thrown) {
  const error = thrown as GraphError;
  out.error = { code: error.code, status: error.statusCode, requestId: typeof error.requestId };
}
try {
  await graph.api('/deviceAppManagement/targetedManagedAppConfigurations').post({ displayName: 'x', nonsense: 1 });
} catch (thrown) {
  const error = thrown as GraphError;
  out.refused = { code: error.code, message: error.message };
}
await graph.api(`/deviceAppManagement/targetedManagedAppConfigurations/${policy.id}`).delete();
console.log(JSON.stringify(out));
