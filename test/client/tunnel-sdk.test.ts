import { once } from 'node:events';
import t, { type Test } from 'tap';
import { parseTunnelConfiguration } from '../../src/client/core/tunnel-configuration.ts';
import { readSdkConfig, sdkConfiguration } from '../../src/client/sdk-config.ts';
import { type TunnelDelegate, TunnelSdk, TunnelSdkError, TunnelStatus } from '../../src/index.ts';
import { CstpType, serializeCstp } from '../../src/wire/cstp.ts';
import { echoGateway } from '../support/light-lab.ts';
import { ANSWERS, requestsOf, scriptedGateway } from '../support/scripted-gateway.ts';

const ADDRESS = 'com.microsoft.tunnel.server_address';

/** An SDK on a device that trusts a gateway, with a record of what its delegate heard. */
async function bench(t: Test, tokens: (failed: string) => string | Promise<string>) {
  const gateway = await echoGateway({ routesInclude: ['10.20.0.0/16'], routesExclude: [] });
  t.teardown(() => gateway[Symbol.asyncDispose]());
  const heard: string[] = [];
  const logged: string[] = [];
  let wake: (() => void) | undefined;
  const note = (text: string): void => {
    heard.push(text);
    wake?.();
  };
  const delegate: TunnelDelegate = {
    onReceivedEvent: (status) => note(`event ${status}`),
    onInitialized: () => note('initialized'),
    onConnected: () => note('connected'),
    onReconnecting: () => note('reconnecting'),
    onUserInteractionRequired: () => note('user'),
    onDisconnected: () => note('disconnected'),
    onError: (error, code) => note(`error ${error} ${code}`),
    onTunnelConfigurationAvailable: (configuration) => note(JSON.stringify(configuration)),
    onTokenRequired: (failed) => {
      note(`token ${failed}`);
      return tokens(failed);
    },
  };
  const sdk = new TunnelSdk({ ca: gateway.caPem, serverName: 'localhost' });
  t.teardown(() => sdk.deinitialize());
  const until = async (text: string): Promise<void> => {
    while (!heard.includes(text)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const log = {
    logMessage: (message: string, logClass: string, severity: string) =>
      logged.push(`${logClass} ${severity} ${message}`),
  };
  const config = { [ADDRESS]: `127.0.0.1:${gateway.port}` };
  return { gateway, sdk, delegate, heard, logged, log, config, until };
}

t.test(
  'an app initializes, connects, reconnects and disconnects, and hears of it in the order of the SDK',
  async (t) => {
    const { gateway, sdk, delegate, heard, config, until } = await bench(t, () => 'good');
    t.equal(sdk.getStatusString(), 'Uninitialized');
    t.equal(sdk.connect(), TunnelSdkError.UnexpectedError, 'not before it is initialized');
    t.equal(sdk.initialize(delegate), TunnelSdkError.NoError);
    t.equal(sdk.setConfig(config), TunnelSdkError.NoError);
    t.equal(sdk.connect(), TunnelSdkError.NoError);
    await until('connected');
    t.equal(sdk.getStatus(), TunnelStatus.Connected);
    t.strictSame(heard.slice(0, 3), ['event 1', 'initialized', 'token ']);
    t.match(JSON.parse(heard[3]!), {
      tunnelIpAddress: /^192\.168\.77\./,
      mtu: 1434,
      splitTunnelingEnabled: true,
      splitConfigurationIncludeEntries: [{ ipAddress: '10.20.0.0', prefix: 16 }],
    });
    t.strictSame(heard.slice(4), ['event 2', 'connected']);
    heard.length = 0;
    t.ok(gateway.gateway.rekey(gateway.gateway.sessions()[0]!.id));
    await until('connected');
    t.strictSame(heard, ['event 4', 'reconnecting', 'event 2', 'connected']);
    heard.length = 0;
    t.equal(await sdk.disconnect(), TunnelSdkError.NoError);
    t.strictSame(heard, ['event 3', 'disconnected']);
    t.strictSame(gateway.gateway.sessions(), []);
    t.equal(sdk.client, undefined);
    heard.length = 0;
    t.equal(sdk.connect(), TunnelSdkError.NoError);
    await until('connected');
    t.equal(gateway.gateway.sessions().length, 1, 'and may connect again');
  },
);

t.test('a token that is refused is asked for once more, and then the user is', async (t) => {
  const { sdk, delegate, heard, config, until } = await bench(t, (failed) => (failed === '' ? 'stale' : 'stale too'));
  sdk.initialize(delegate, config);
  sdk.connect();
  await until('user');
  t.strictSame(heard.slice(2), ['token ', 'token stale', 'event 5', 'user']);
  t.equal(sdk.getStatus(), TunnelStatus.UserInteractionRequired);
});

t.test('a token that is refused is forgotten for a better one', async (t) => {
  const { sdk, delegate, heard, config, until } = await bench(t, (failed) => (failed === '' ? 'stale' : 'good'));
  sdk.initialize(delegate, config);
  sdk.connect();
  await until('connected');
  t.ok(heard.includes('token stale'));
});

t.test('no token, and a callback that fails, are errors', async (t) => {
  for (const tokens of [() => '', () => undefined as never, () => Promise.reject(new Error('no account'))]) {
    const { sdk, delegate, config, until } = await bench(t, tokens);
    sdk.initialize(delegate, config);
    sdk.connect();
    await until(`error ${TunnelSdkError.Unknown} undefined`);
    t.equal(sdk.getStatus(), TunnelStatus.ErrorEncountered);
  }
});

t.test('a tunnel that ends with the very answer that opens it is heard of as both', async (t) => {
  const { sdk, delegate, heard, until } = await bench(t, () => 'good');
  await using gateway = await scriptedGateway(async (socket) => {
    const requests = requestsOf(socket);
    for (const answer of [ANSWERS.challenge, ANSWERS.complete]) {
      await requests.next();
      socket.write(answer);
    }
    await requests.next();
    const goodbye = serializeCstp(CstpType.Terminate, Buffer.from([0]));
    socket.write(Buffer.concat([Buffer.from(ANSWERS.connected()), goodbye]));
  });
  const device = new TunnelSdk({ ca: gateway.caPem, serverName: 'localhost' });
  t.teardown(() => device.deinitialize());
  device.initialize(delegate, { [ADDRESS]: `127.0.0.1:${gateway.port}` });
  device.connect();
  await until('disconnected');
  t.strictSame(heard.slice(-4), ['event 2', 'connected', 'event 3', 'disconnected']);
  t.equal(device.getStatus(), TunnelStatus.Disconnected);
  t.equal(device.client, undefined);
  t.equal(sdk.client, undefined);
});

t.test('whoever disconnects, or connects anew, waits for no try that is under way', async (t) => {
  const { sdk, delegate, heard, config, until } = await bench(t, () => 'good');
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const closed: Promise<unknown>[] = [];
  await using silent = await scriptedGateway((socket) => {
    closed.push(once(socket.resume(), 'close'));
    reach();
  });
  sdk.initialize(delegate, { [ADDRESS]: `localhost:${silent.port}` });
  const device = new TunnelSdk({ ca: silent.caPem });
  device.initialize(delegate, { [ADDRESS]: `localhost:${silent.port}` });
  device.connect();
  await reached;
  await device.disconnect();
  await closed[0];
  t.equal(device.getStatus(), TunnelStatus.Disconnected);
  t.notOk(
    heard.some((each) => each.startsWith('error')),
    'what was given up is no error',
  );
  sdk.connect();
  sdk.setConfig(config);
  sdk.connect();
  await until('connected');
  t.equal(sdk.getStatus(), TunnelStatus.Connected);
});

t.test('a configuration that cannot be used says why, in a log that is as loud as it is asked to be', async (t) => {
  const { sdk, delegate, logged, log, heard } = await bench(t, () => 'good');
  sdk.initialize(delegate, { [ADDRESS]: 'https://vpn.contoso.com/', Connect: 'crit' }, log);
  t.equal(sdk.connect(), TunnelSdkError.InvalidConfig);
  t.equal(heard.at(-1), 'error 3 undefined');
  t.match(logged, [/^Connect crit .*server_address is “https:/]);
  sdk.setConfig({ [ADDRESS]: '', MicrosoftTunnel: 'debug' });
  t.equal(sdk.connect(), TunnelSdkError.InvalidConfig);
});

t.test('a log has what is as severe as its class is set to, and warnings if it is not', async (t) => {
  for (const [level, lines] of [
    ['info', ['Intune info A token is needed.', 'Connect crit The app had no token.']],
    ['major', ['Connect crit The app had no token.']],
    [undefined, ['Connect crit The app had no token.']],
  ] as const) {
    const { sdk, delegate, logged, log, config, until } = await bench(t, () => '');
    sdk.initialize(delegate, { ...config, ...(level && { Intune: level }) }, log);
    sdk.connect();
    await until(`error ${TunnelSdkError.Unknown} undefined`);
    t.strictSame(logged, lines, level ?? 'none');
  }
});

t.test('the configuration of a tunnel is told in the form of the SDK', async (t) => {
  const configuration = parseTunnelConfiguration([
    ['x-cstp-mtu', '1400'],
    ['x-cstp-address', '10.0.0.1'],
    ['x-cstp-netmask', '255.255.255.0'],
    ['x-cstp-dns', '10.0.0.53'],
    ['x-cstp-default-domain', 'corp.example'],
    ['x-cstp-split-dns', 'a.example'],
    ['x-cstp-split-exclude', '10.9.0.0/255.255.0.0'],
  ]);
  t.strictSame(sdkConfiguration(configuration), {
    tunnelIpAddress: '10.0.0.1',
    tunnelNetmask: '255.255.255.0',
    mtu: 1400,
    dnsServers: ['10.0.0.53'],
    dnsDomain: 'corp.example',
    dnsSearchEntries: ['a.example'],
    splitConfigurationIncludeEntries: [],
    splitConfigurationExcludeEntries: [{ ipAddress: '10.9.0.0', prefix: 16 }],
    splitTunnelingEnabled: true,
  });
  t.match(sdkConfiguration({ ...configuration, defaultDomain: undefined, routesExclude: [] }), {
    dnsDomain: '',
    splitTunnelingEnabled: false,
  });
});

t.test('an address is a host and a port, and nothing else', async (t) => {
  const read = (address: string) => readSdkConfig({ [ADDRESS]: address }).server?.host;
  t.equal(read('vpn.contoso.com:8443'), 'vpn.contoso.com:8443');
  t.equal(read('vpn.contoso.com'), 'vpn.contoso.com');
  t.equal(read('[::1]:8443'), '[::1]:8443');
  for (const bad of ['https://vpn.contoso.com', 'vpn.contoso.com:443 ', 'vpn:99999', 'a b', ''])
    t.equal(read(bad), undefined, bad);
  t.match(readSdkConfig({ 'com.microsoft.tunnel.connection_type': 'Cisco' }).problem, /MicrosoftProtect/);
});
