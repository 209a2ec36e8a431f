import type { Agent, AgentOptions } from 'node:http';
import type { Agent as SecureAgent, AgentOptions as SecureAgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { bareHost, endpointText } from '../../lib/endpoint.ts';
import { Agent as HttpAgent } from '../../lib/node-http.ts';
import type { WebTraffic } from './fetch.ts';
import { secureStream } from './secure.ts';
import { socketLike } from './socket-like.ts';

/** The options Node's agents pass to `createConnection`. */
type AgentTarget = ConnectionOptions & { readonly host?: string; readonly port?: number | string };
type Created = (error: Error | null, stream?: Duplex) => void;

/** Node's agent for `http:`, with connections routed by the client's rules. With `keepAlive` it reuses them. */
export function tunnelHttpAgent(web: WebTraffic, options: AgentOptions = {}): Agent {
  const agent = new HttpAgent(options);
  return withConnections(agent, 'http:', 80, async (target) => open(web, target));
}

/**
 * The same for `https:`. TLS ends at the resource; its certificate is verified against the CAs that the client trusts for resources, unless the
 * options of agent or request set others.
 */
export function tunnelHttpsAgent(web: WebTraffic, options: SecureAgentOptions = {}): SecureAgent {
  const { Agent: HttpsAgent } = process.getBuiltinModule('node:https');
  const agent = new HttpsAgent(options);
  return withConnections(agent, 'https:', 443, async (target) => {
    const { host, port, url, ...tls } = target;
    const stream = await open(web, target);
    // Options that are present but undefined would hide the defaults derived from the host.
    const given = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined && value !== ''));
    return secureStream(stream, { host, trust: web.trust, options: given });
  });
}

type Target = Omit<ConnectionOptions, 'host' | 'port'> & {
  readonly host: string;
  readonly port: number;
  readonly url: URL;
};

async function open(web: WebTraffic, { host, port, url }: Target): Promise<Duplex> {
  return socketLike(await web.open({ host, port, url }), web.clock);
}

function withConnections<T extends Agent>(
  agent: T,
  protocol: string,
  defaultPort: number,
  connect: (target: Target) => Promise<Duplex>,
): T {
  const createConnection = (options: AgentTarget, created: Created): void => {
    const host = bareHost(options.host ?? 'localhost');
    const port = Number(options.port || defaultPort);
    const url = URL.parse(`${protocol}//${endpointText(host, port)}/`);
    if (url === null) {
      created(new TypeError(`“${host}” is not a host.`));
      return;
    }
    connect({ ...options, host, port, url }).then(
      (stream) => created(null, stream),
      (error: Error) => created(error),
    );
  };
  return Object.assign(agent, { createConnection });
}
