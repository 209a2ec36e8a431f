import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { isTunneliteError } from '../../lib/errors.ts';
import { patience } from '../../lib/late-tick.ts';
import { REQUEST_TIMEOUT_MS } from './constants.ts';
import { joinStreams } from './join.ts';
import { listening, rawServer } from './listener.ts';
import {
  MAX_SOCKS_HEAD,
  parseSocksGreeting,
  parseSocksRequest,
  SocksCommand,
  SocksReply,
  type SocksRequest,
  serializeSocksReply,
  socksGreetingAnswer,
} from './socks-messages.ts';
import { associate } from './socks-udp.ts';
import type { LocalProxy, LocalProxyOptions, ProxiedClient } from './types.ts';

/**
 * Starts a SOCKS5 proxy (RFC 1928) for other programs: CONNECT and UDP ASSOCIATE, routed by the rules of the tunnel. It resolves names in the
 * tunnel if the program leaves that to the proxy (`socks5h:` in curl). There is no authentication: any program that reaches the port may use it.
 *
 * @throws TunneliteError `ERR_CLIENT_LISTEN`
 * @example
 * ```ts
 * await using proxy = await startSocksProxy(client, { port: 1080 });
 * // curl --socks5-hostname 127.0.0.1:1080 http://intranet.contoso.internal/
 * ```
 */
export async function startSocksProxy(client: ProxiedClient, options: LocalProxyOptions): Promise<LocalProxy> {
  const clock = options.clock ?? systemClock;
  const server = rawServer((socket) => {
    void serve(socket, client, clock, options).catch(() => socket.destroy());
  });
  return listening(server, options);
}

async function serve(socket: Socket, client: ProxiedClient, clock: Clock, options: LocalProxyOptions): Promise<void> {
  const request = await readRequest(socket, clock);
  if (request === undefined) return;
  const { command, host, port } = request;
  const control = new AbortController();
  const onGone = (): void => control.abort(new Error('the program has disconnected'));
  socket.once('close', onGone);
  try {
    if (command === SocksCommand.UdpAssociate) {
      await associate(socket, client);
    } else if (command === SocksCommand.Connect) {
      const stream = await client.connect({ host, port, signal: control.signal });
      if (socket.destroyed) {
        stream.destroy();
        return;
      }
      // From here on, the two sockets are joined, and each closes the other.
      socket.off('close', onGone);
      socket.write(serializeSocksReply(SocksReply.Succeeded));
      joinStreams(socket, stream);
    } else socket.end(serializeSocksReply(SocksReply.CommandNotSupported));
  } catch (error) {
    if (socket.destroyed) return;
    options.onRefused?.({ host, port }, error);
    socket.end(serializeSocksReply(replyFor(error)));
    socket.resume();
  }
}

/** Reads greeting and request; undefined for anything else, which is answered and ended. Later bytes stay in the socket. */
function readRequest(socket: Socket, clock: Clock): Promise<SocksRequest | undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  let greeted = false;
  return new Promise((resolve) => {
    const finish = (request: SocksRequest | undefined, answer?: Buffer): void => {
      timer.cancel();
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      socket.pause();
      if (request === undefined) {
        if (answer === undefined) socket.destroy();
        else {
          socket.end(answer);
          socket.resume();
        }
      } else if (bytes.length > 0) socket.unshift(bytes);
      resolve(request);
    };
    const onEnd = (): void => finish(undefined);
    const onData = (chunk: Buffer): void => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      if (!greeted) {
        const greeting = parseSocksGreeting(bytes);
        if (greeting === 'more') return;
        if ('reply' in greeting || !greeting.value) {
          finish(undefined, 'reply' in greeting ? undefined : socksGreetingAnswer(false));
          return;
        }
        greeted = true;
        bytes = bytes.subarray(greeting.length);
        socket.write(socksGreetingAnswer(true));
      }
      const request = parseSocksRequest(bytes);
      if (request === 'more') {
        if (bytes.length > MAX_SOCKS_HEAD) finish(undefined);
        return;
      }
      if ('reply' in request) {
        finish(undefined, request.reply === undefined ? undefined : serializeSocksReply(request.reply));
        return;
      }
      bytes = bytes.subarray(request.length);
      finish(request.value);
    };
    const timer = patience(clock, REQUEST_TIMEOUT_MS, () => finish(undefined));
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
  });
}

function replyFor(error: unknown): SocksReply {
  if (!isTunneliteError(error)) return SocksReply.GeneralFailure;
  switch (error.code) {
    case 'ERR_CLIENT_DNS':
      return SocksReply.HostUnreachable;
    case 'ERR_CLIENT_OUTSIDE':
      return SocksReply.NotAllowed;
    case 'ERR_CLIENT_OPEN':
      return error.details.refused === true ? SocksReply.ConnectionRefused : SocksReply.HostUnreachable;
    case 'ERR_CLOSED':
    case 'ERR_CLIENT_DISCONNECTED':
      return SocksReply.NetworkUnreachable;
    default:
      return SocksReply.GeneralFailure;
  }
}
