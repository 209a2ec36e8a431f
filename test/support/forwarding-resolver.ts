import type { Test } from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { systemNetwork } from '../../src/network/index.ts';
import { DnsForwarder, type ForwardSettings } from '../../src/resources/dns-forwarder.ts';
import { Resolver } from '../../src/resources/resolver.ts';
import { Telemetry } from '../../src/telemetry/index.ts';
import { parseDnsAnswer, serializeDnsQuery } from '../../src/wire/dns.ts';
import { type Asked, a, answerTo, NameServer } from './name-server.ts';

export const visitor = {
  session: 's1' as string | undefined,
  person: undefined,
  sourceAddress: '169.254.0.2',
  sourcePort: 40_000,
  destinationAddress: '10.20.0.53',
  destinationPort: 53,
};

export type Script = (asked: Asked) => void;

/** A resolver that asks real servers with these scripts, in their order. */
export async function setup(
  t: Test,
  scripts: readonly Script[],
  changed: Partial<ForwardSettings> = {},
  limit?: number,
) {
  const servers: NameServer[] = [];
  for (const script of scripts) servers.push(await NameServer.start(script));
  const telemetry = new Telemetry({ clock: systemClock });
  const forwarder = new DnsForwarder({
    settings: {
      servers: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
      domains: [],
      timeout: 300,
      local: false,
      ...changed,
    },
    clock: systemClock,
    network: systemNetwork,
    emit: telemetry.emit,
    ...(limit === undefined ? {} : { limit }),
  });
  const resolver = new Resolver({
    hosts: [{ names: ['intranet.contoso.internal'], addresses: ['10.20.0.10'] }],
    records: [
      { name: 'out.contoso.internal', type: 'CNAME', data: 'www.example.com', ttl: 60 },
      { name: 'round.contoso.internal', type: 'CNAME', data: 'round.example.com', ttl: 60 },
    ],
    domains: ['contoso.internal'],
    forwarder,
    emit: telemetry.emit,
    clock: systemClock,
  });
  t.teardown(async () => {
    forwarder.close();
    resolver.close();
    for (const server of servers) await server[Symbol.asyncDispose]();
  });
  const raw = async (name: string, type = 'A', session: string | undefined = 's1'): Promise<Buffer> =>
    (await resolver.answer(serializeDnsQuery({ id: 7, name, type, udpPayload: 1232 }), { ...visitor, session }))!;
  const ask = async (name: string, type = 'A', session?: string) => parseDnsAnswer(await raw(name, type, session));
  const outcome = (): string | undefined =>
    telemetry.journal.query({ name: 'dns.query' }).at(-1)?.fields.outcome as string | undefined;
  const strays = () => telemetry.journal.query({ name: 'dns.stray' }).map(({ fields }) => fields);
  return { ask, raw, outcome, strays, servers, forwarder, resolver };
}

export const right: Script = (asked) => asked.send(answerTo(asked, [a(asked.name, '192.0.2.10')]));
