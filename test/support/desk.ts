import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import type { Test } from 'tap';
import { type ConfigInput, type Simulator, startSimulator } from '../../src/index.ts';
import { end, join, Namespace } from './namespace.ts';

/** The gateway's addresses and name, as the desk knows them. */
export const GATEWAY = '10.99.3.1';
const GATEWAY_6 = 'fd00:99:3::1';
export const NAME = 'vpn.contoso.internal';

const SCRIPT = `#!/bin/bash
case "$reason" in
connect)
  ip link set dev $TUNDEV up mtu $INTERNAL_IP4_MTU
  ip addr add $INTERNAL_IP4_ADDRESS/32 dev $TUNDEV
  [ -n "$INTERNAL_IP6_NETMASK" ] && ip -6 addr add $INTERNAL_IP6_NETMASK dev $TUNDEV nodad
  i=0; while [ $i -lt \${CISCO_SPLIT_INC:-0} ]; do
    a=CISCO_SPLIT_INC_\${i}_ADDR; l=CISCO_SPLIT_INC_\${i}_MASKLEN; ip route replace \${!a}/\${!l} dev $TUNDEV; i=$((i+1)); done
  i=0; while [ $i -lt \${CISCO_IPV6_SPLIT_INC:-0} ]; do
    a=CISCO_IPV6_SPLIT_INC_\${i}_ADDR; l=CISCO_IPV6_SPLIT_INC_\${i}_MASKLEN; ip -6 route replace \${!a}/\${!l} dev $TUNDEV; i=$((i+1)); done
  echo "told: dns=$INTERNAL_IP4_DNS domain=$CISCO_DEF_DOMAIN split=$CISCO_SPLIT_DNS banner=$CISCO_BANNER mtu=$INTERNAL_IP4_MTU"
  echo "script: connected";;
disconnect) echo "script: disconnected";;
reconnect) echo "script: reconnected";;
esac
exit 0
`;

/** A person's machine beside a running simulator, each in a network namespace of its own. Needs root. */
export class Desk implements AsyncDisposable {
  readonly sim: Simulator;
  readonly server: Namespace;
  readonly client: Namespace;
  readonly directory: string;
  log = '';

  private constructor(sim: Simulator, server: Namespace, client: Namespace, directory: string) {
    this.sim = sim;
    this.server = server;
    this.client = client;
    this.directory = directory;
  }

  static async create(config: ConfigInput = {}): Promise<Desk> {
    const server = Namespace.create('sim');
    const client = Namespace.create('desk');
    join(server, [`${GATEWAY}/24`, `${GATEWAY_6}/64`], client, ['10.99.3.2/24', 'fd00:99:3::2/64']);
    const sim = await server.inside(() =>
      startSimulator({
        ...config,
        gateway: {
          host: GATEWAY,
          names: [NAME],
          ipv6Network: 'fd00:aaaa::/112',
          routesInclude: ['10.20.0.0/16', 'fd10:20::/64'],
          banner: 'Welcome to Contoso',
          ...config.gateway,
        },
      }),
    );
    const directory = mkdtempSync(joinPath(tmpdir(), 'tunnelite-desk-'));
    writeFileSync(joinPath(directory, 'ca.pem'), sim.ca);
    writeFileSync(joinPath(directory, 'script'), SCRIPT);
    chmodSync(joinPath(directory, 'script'), 0o755);
    // Within the client's namespace the tunnel's resolver is the system's: \`ip netns exec\` binds this file.
    mkdirSync(`/etc/netns/${client.name}`, { recursive: true });
    writeFileSync(`/etc/netns/${client.name}/resolv.conf`, 'nameserver 10.20.0.53\noptions timeout:2 attempts:3\n');
    return new Desk(sim, server, client, directory);
  }

  /** Runs openconnect with a token; resolves once its script configured the tunnel, or with its exit code before that. */
  async connect(token: string, ...args: string[]) {
    const file = joinPath(this.directory, 'token');
    writeFileSync(file, token);
    const child = this.client.spawn('openconnect', [
      '--protocol=anyconnect',
      '--http-auth=Bearer',
      '--token-mode=oidc',
      `--token-secret=@${file}`,
      '--no-system-trust',
      `--cafile=${joinPath(this.directory, 'ca.pem')}`,
      `--resolve=${NAME}:${GATEWAY}`,
      '--interface=tun-desk',
      '--reconnect-timeout=20',
      `--script=${joinPath(this.directory, 'script')}`,
      ...args,
      `https://${NAME}:${this.sim.gateway.port}/`,
    ]);
    let log = '';
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const printed = (pattern: RegExp) =>
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (pattern.test(log)) resolve();
        };
        child.stdout!.on('data', look);
        child.stderr!.on('data', look);
        look();
      });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        log += chunk;
        this.log = log;
      });
    }
    const connected = printed(/script: connected/).then(() => 'connected' as const);
    const outcome = await Promise.race([connected, ended]);
    return { child, outcome, ended, printed, stop: () => end(child, 'SIGINT'), text: () => log };
  }

  async curl(...args: string[]): Promise<Buffer> {
    const { code, stdout, stderr } = await this.client.output('curl', [
      '-sS',
      '--max-time',
      '60',
      '--cacert',
      joinPath(this.directory, 'ca.pem'),
      ...args,
    ]);
    if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}\n${this.log}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.remove();
    await this.sim.close();
    await this.server.remove();
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(`/etc/netns/${this.client.name}`, { recursive: true, force: true });
  }
}

export const desk = async (t: Test, config: ConfigInput = {}): Promise<Desk> => {
  const made = await Desk.create(config);
  t.teardown(() => made[Symbol.asyncDispose]());
  return made;
};
