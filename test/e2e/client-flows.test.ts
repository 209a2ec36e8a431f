import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import t from 'tap';
import { TunnelClient } from '../../src/index.ts';
import { CutCarrier } from '../support/light-lab.ts';
import { start } from '../support/running-simulator.ts';

/* What is open in the tunnel lives through all that happens to the tunnel. */

t.setTimeout(90_000);

/** Says something to an echo service, and waits for it to come back. */
async function echoed(stream: Duplex, text: string): Promise<string> {
  stream.write(text);
  let heard = '';
  while (heard.length < text.length) {
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    heard += chunk.toString();
  }
  return heard;
}

t.test(
  'a TCP connection lives through the loss of UDP, a rekey, a broken connection, another network and a sleep',
  async (t) => {
    const sim = await start(t);
    const carrier = new CutCarrier();
    const states: string[] = [];
    let wake: (() => void) | undefined;
    const told = (text: string): void => {
      states.push(text);
      wake?.();
    };
    const until = async (condition: () => boolean): Promise<void> => {
      while (!condition()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    await using client = await TunnelClient.connect({
      server: sim.urls.gateway,
      ca: sim.ca,
      token: await sim.token(),
      carrier,
      onState: told,
      onChannel: told,
    });
    const { address4 } = client.configuration;
    const stream = await client.openTcp('tools.contoso.internal', 7);
    const broken: unknown[] = [];
    stream.on('error', (error) => broken.push(error));
    await until(() => client.channel === 'dtls');
    t.equal(await echoed(stream, 'over DTLS'), 'over DTLS');

    carrier.udpDown = true;
    t.equal(await echoed(stream, 'while UDP dies'), 'while UDP dies');
    t.equal(client.channel, 'tls');
    carrier.udpDown = false;

    client.rekey();
    t.equal(await echoed(stream, 'while keys are renewed'), 'while keys are renewed');
    await until(() => client.state === 'connected' && carrier.connections === 2);

    carrier.cut();
    await until(() => client.state === 'waiting');
    t.equal(await echoed(stream, 'while there is no tunnel'), 'while there is no tunnel');

    client.networkChanged();
    t.equal(await echoed(stream, 'in another network'), 'in another network');

    client.suspend();
    client.resume();
    t.equal(await echoed(stream, 'after a sleep'), 'after a sleep');

    await sim.gateway.restart();
    t.equal(await echoed(stream, 'after a restart of the gateway'), 'after a restart of the gateway');

    t.equal(client.configuration.address4, address4);
    t.strictSame(broken, []);
    stream.destroy();
  },
);
