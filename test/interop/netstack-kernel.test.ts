import { randomBytes } from 'node:crypto';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { Duplex } from 'node:stream';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import type { TcpConnectRequest } from '../../src/netstack/core/types.ts';
import { Resolver } from '../../src/resources/resolver.ts';
import { skipUnless } from '../support/interop.ts';
import { KERNEL_V4, KERNEL_V6, KernelLab, type KernelLabOptions, STACK_V4, STACK_V6 } from '../support/kernel-lab.ts';

t.setTimeout(900_000);

const skip = skipUnless({
  programs: ['ip', 'ping', 'traceroute', 'dig', 'curl', 'python3', 'iperf3'],
  namespaces: true,
  tun: true,
});

const lab = async (t: Test, options: KernelLabOptions = {}): Promise<KernelLab> => {
  const made = await KernelLab.create(options);
  t.teardown(() => made[Symbol.asyncDispose]());
  return made;
};

const python = async (one: KernelLab, code: string, input?: Buffer) => {
  const {
    code: exit,
    stdout,
    stderr,
  } = await one.namespace.output('python3', ['-c', code], { timeout: 90_000, ...(input ? { input } : {}) });
  if (exit !== 0) throw new Error(`python3 ended with ${exit}: ${stderr}`);
  return stdout;
};

const accept = (serve: (stream: Duplex, request: TcpConnectRequest) => void) => (request: TcpConnectRequest) => {
  const stream = request.accept().toDuplex();
  stream.on('error', () => {});
  serve(stream, request);
};

/** Sends until the answer is there: of what comes out of a TUN device, a busy machine drops some, and ICMP is sent at a limited rate. */
async function persist<T>(answer: Promise<T>, send: () => void): Promise<T> {
  send();
  const timer = setInterval(send, 1_000);
  try {
    return await answer;
  } finally {
    clearInterval(timer);
  }
}

t.test('the kernel and the netstack agree', { skip, jobs: 1 }, async (t) => {
  for (const [name, address] of [
    ['IPv4', STACK_V4],
    ['IPv6', STACK_V6],
  ] as const) {
    t.test(`ping over ${name} is answered, whole and in fragments (RFC 1122 §3.2.2.6, RFC 4443 §4.2)`, async (t) => {
      const one = await lab(t);
      for (const size of ['56', '1300', '5000', '40000']) {
        const { stdout } = await one.namespace.output('ping', ['-c', '2', '-i', '0.2', '-W', '2', '-s', size, address]);
        t.match(stdout.toString(), / 2 received/, `${size} bytes`);
      }
    });
  }

  t.test('traceroute ends at the first hop', async (t) => {
    const one = await lab(t);
    const { stdout } = await one.namespace.output('traceroute', ['-n', '-q', '1', '-w', '2', '-m', '4', STACK_V4]);
    t.match(stdout.toString(), new RegExp(`1  ${STACK_V4}`));
    t.notMatch(stdout.toString(), /\n 2 /);
  });

  t.test('DNS by dig works over UDP and over TCP, and over both when the answer is long', async (t) => {
    const resolver = new Resolver({
      hosts: [
        { names: ['one.lab.test'], addresses: ['192.0.2.1', '2001:db8::1'] },
        { names: ['many.lab.test'], addresses: Array.from({ length: 120 }, (_, i) => `192.0.2.${i + 1}`) },
      ],
      domains: ['lab.test'],
      emit: () => {},
      clock: systemClock,
    });
    const visitor = {
      session: undefined,
      person: undefined,
      sourceAddress: '',
      sourcePort: 0,
      destinationAddress: '',
      destinationPort: 53,
    };
    const one = await lab(t, {
      stack: {
        onTcp: accept((stream) => resolver.open(stream, visitor)),
        onUdp: (request) => {
          const flow = request.accept((payload, address, port) => {
            queueMicrotask(() => flow.send(resolver.answer(payload, visitor) as Buffer, address, port));
          });
        },
      },
    });
    const dig = async (...args: string[]) =>
      (await one.namespace.output('dig', [`@${STACK_V4}`, '+short', '+time=2', '+tries=2', ...args])).stdout
        .toString()
        .trim();
    t.equal(await dig('one.lab.test', 'A'), '192.0.2.1');
    t.equal(await dig('one.lab.test', 'AAAA', '+tcp'), '2001:db8::1');
    t.equal((await dig('many.lab.test', 'A')).split('\n').length, 120, 'truncated over UDP, asked again over TCP');
  });

  t.test('curl fetches over HTTP/1.1 and HTTP/2, over IPv4 and IPv6', async (t) => {
    const body = randomBytes(3_000_000);
    const http = createHttp((_request, response) => response.end(body));
    const http2 = createHttp2((_request, response) => response.end(body));
    const one = await lab(t, {
      stack: {
        onTcp: accept((stream, request) => (request.localPort === 80 ? http : http2).emit('connection', stream)),
      },
    });
    const curl = async (...args: string[]) =>
      (await one.namespace.output('curl', ['-sS', '--max-time', '30', ...args])).stdout;
    t.ok((await curl(`http://${STACK_V4}/`)).equals(body), 'HTTP/1.1');
    t.ok((await curl('--http2-prior-knowledge', `http://${STACK_V4}:82/`)).equals(body), 'HTTP/2');
    t.ok((await curl('-g', `http://[${STACK_V6}]/`)).equals(body), 'HTTP/1.1 over IPv6');
  });

  t.test('half-close works in both orders (RFC 9293 §3.6)', async (t) => {
    const one = await lab(t, {
      stack: {
        onTcp: accept((stream, request) => {
          if (request.localPort === 1) {
            // The peer ends first: everything it said comes back only then.
            const chunks: Buffer[] = [];
            stream.on('data', (chunk: Buffer) => chunks.push(chunk));
            stream.on('end', () => stream.end(Buffer.concat(chunks)));
          } else {
            // We end first: the peer goes on and is still heard.
            stream.end('goodbye');
            let heard = 0;
            stream.on('data', (chunk: Buffer) => {
              heard += chunk.length;
            });
            stream.on('end', () => {
              ended = heard;
            });
          }
        }),
      },
    });
    let ended = -1;
    const echoed = await python(
      one,
      `import socket,sys
s=socket.create_connection(('${STACK_V4}',1)); s.sendall(b'x'*300000); s.shutdown(socket.SHUT_WR)
n=sum(len(b) for b in iter(lambda:s.recv(65536),b'')); print(n)`,
    );
    t.equal(echoed.toString().trim(), '300000');
    const heard = await python(
      one,
      `import socket
s=socket.create_connection(('${STACK_V4}',2))
d=b''.join(iter(lambda:s.recv(65536),b'')); s.sendall(b'y'*200000); s.shutdown(socket.SHUT_WR)
s.settimeout(5)
try: s.recv(1)
except OSError: pass
print(d.decode())`,
    );
    t.equal(heard.toString().trim(), 'goodbye');
    await waitFor(() => ended >= 0);
    t.equal(ended, 200_000, 'what came after our FIN was delivered');
  });

  t.test('connections can be made and reset 300 times, and leave nothing behind', async (t) => {
    const one = await lab(t, { stack: { onTcp: accept((stream) => stream.resume()) } });
    await python(
      one,
      `import socket,struct
for i in range(300):
    s=socket.create_connection(('${STACK_V4}',5000+i%7)); s.sendall(b'hello')
    s.setsockopt(socket.SOL_SOCKET,socket.SO_LINGER,struct.pack('ii',1,0)); s.close()`,
    );
    await waitFor(() => one.stack.stats()['tcpFlows'] === 0);
    const stats = one.stack.stats();
    t.equal(stats['tcpPassiveOpens'], 300);
    t.ok(stats['tcpResetsIn']! >= 299, `${stats['tcpResetsIn']} resets`);
    t.equal(stats['memory'], 0);
  });

  t.test('a five-tuple is usable again at once (RFC 6191, RFC 9293 §3.6.1)', async (t) => {
    const one = await lab(t, { stack: { onTcp: accept((stream) => stream.pipe(stream)) } });
    const out = await python(
      one,
      `import socket
for i in range(20):
    s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); s.bind(('${KERNEL_V4}',23456)); s.settimeout(10)
    s.connect(('${STACK_V4}',7)); s.sendall(b'round %d'%i); s.shutdown(socket.SHUT_WR)
    d=b''.join(iter(lambda:s.recv(4096),b'')); assert d==b'round %d'%i; s.close()
print('ok')`,
    );
    t.equal(out.toString().trim(), 'ok');
    t.equal(one.stack.stats()['tcpPassiveOpens'], 20);
  });

  t.test('refusals look to the kernel as the policy meant them', async (t) => {
    const one = await lab(t, {
      stack: {
        onTcp: (request) => {
          if (request.localPort === 2) request.refuse('prohibited');
          else if (request.localPort === 3) request.refuse('host-unreachable');
          else if (request.localPort === 4) request.drop();
          else request.refuse('reset');
        },
        onUdp: (request) => request.refuse(),
      },
    });
    const out = await python(
      one,
      `import socket,errno
def tcp(a,p):
    s=socket.socket(socket.AF_INET6 if ':' in a else socket.AF_INET); s.settimeout(1)
    try: s.connect((a,p)); return 'open'
    except socket.timeout: return 'timeout'
    except OSError as e: return errno.errorcode[e.errno]
def udp(a):
    s=socket.socket(socket.AF_INET6 if ':' in a else socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(2); s.connect((a,9)); s.send(b'x')
    try: s.recv(1)
    except OSError as e: return errno.errorcode[e.errno]
for a in ('${STACK_V4}','${STACK_V6}'):
    print(*[tcp(a,p) for p in (1,2,3,4)], udp(a))`,
    );
    t.strictSame(out.toString().trim().split('\n'), [
      'ECONNREFUSED EHOSTUNREACH EHOSTUNREACH timeout ECONNREFUSED',
      'ECONNREFUSED EACCES EHOSTUNREACH timeout ECONNREFUSED',
    ]);
  });

  t.test('a port scan shows closed ports as closed and the open one as open', async (t) => {
    const one = await lab(t, {
      stack: {
        onTcp: (request) =>
          request.localPort === 80
            ? void request
                .accept()
                .toDuplex()
                .on('error', () => {})
                .resume()
            : request.refuse(),
      },
    });
    const out = await python(
      one,
      `import socket
o=[]
for p in list(range(1,400))+[8080,65535]:
    s=socket.socket(); s.settimeout(5)
    r=s.connect_ex(('${STACK_V4}',p)); s.close()
    if r==0: o.append(p)
    else: assert r==111,(p,r)
print(o)`,
    );
    t.equal(out.toString().trim(), '[80]');
  });

  t.test(
    'a connection is opened by the netstack to a server of the kernel, and bytes are exact both ways',
    async (t) => {
      const one = await lab(t);
      const server = one.namespace.spawn('python3', [
        '-u',
        '-c',
        `import socket
l=socket.create_server(('${KERNEL_V4}',9000)); print('ready')
c,_=l.accept()
while True:
    b=c.recv(65536)
    if not b: break
    c.sendall(b)
c.shutdown(socket.SHUT_WR)`,
      ]);
      await new Promise((resolve) => server.stdout!.once('data', resolve));
      const stream = one.stack
        .connect({ localAddress: STACK_V4, remoteAddress: KERNEL_V4, remotePort: 9000 })
        .toDuplex();
      const data = randomBytes(4_000_000);
      stream.end(data);
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      t.ok(Buffer.concat(chunks).equals(data));
    },
  );

  t.test('a server of the kernel that is not there refuses the netstack', async (t) => {
    const one = await lab(t);
    const stream = one.stack.connect({ localAddress: STACK_V4, remoteAddress: KERNEL_V4, remotePort: 9001 }).toDuplex();
    const error = await new Promise<Error & { code?: string }>((resolve) => stream.once('error', resolve));
    t.equal(error.code, 'ERR_NETSTACK_REFUSED');
  });

  for (const [name, local, remote] of [
    ['IPv4', STACK_V4, KERNEL_V4],
    ['IPv6', STACK_V6, KERNEL_V6],
  ] as const) {
    t.test(
      `the kernel answers our echo requests over ${name}, and tells of a closed UDP port (RFC 1122 §4.1.3.3)`,
      async (t) => {
        const one = await lab(t);
        const replies = new Map<number, Buffer>();
        const payload = randomBytes(3_000);
        const all = Promise.withResolvers<void>();
        const echo = one.stack.openEcho(
          { localAddress: local, remoteAddress: remote, id: 0xbeef },
          (sequence, bytes) => {
            replies.set(sequence, bytes);
            if (replies.size === 3) all.resolve();
          },
        );
        await persist(all.promise, () => {
          for (let sequence = 1; sequence <= 3; sequence++) echo.send(sequence, payload);
        });
        t.ok(
          [...replies.values()].every((bytes) => bytes.equals(payload)),
          'in fragments, and byte-exact',
        );
        const flow = one.stack.openUdp(
          { localAddress: local, localPort: 50_000, remoteAddress: remote, remotePort: 9 },
          () => t.fail('answered'),
        );
        const told = new Promise((resolve) => {
          flow.onError = (...facts) => resolve(facts);
        });
        const facts = await persist(told, () => flow.send(Buffer.from('anybody?'), local, 50_000));
        t.strictSame(facts, ['unreachable', local, 50_000]);
      },
    );
  }

  t.test('a smaller path MTU told by ICMP is heeded, and the transfer goes on (RFC 1191)', async (t) => {
    const body = randomBytes(2_000_000);
    const one = await lab(t, { stackMtu: 1400, mtu: 1400, stack: { onTcp: accept((stream) => stream.end(body)) } });
    // The kernel forwards to a second device of smaller MTU, where the client lives: it has to tell the sender.
    const inner = await nestedClient(one);
    const got = await inner.output('python3', [
      '-c',
      `import socket,sys
s=socket.create_connection(('${STACK_V4}',80))
sys.stdout.buffer.write(b''.join(iter(lambda:s.recv(65536),b'')))`,
    ]);
    t.ok(got.stdout.equals(body), got.stderr);
    t.ok(one.stack.stats()['tcpPathMtuShrinks']! >= 1);
    await inner.remove();
  });

  for (const [direction, flag] of [
    ['up', ''],
    ['down', '-R'],
  ] as const) {
    t.test(`iperf3 is content with a relay through the netstack, ${direction}`, async (t) => {
      // iperf3 -s runs on loopback of the namespace; the netstack joins the kernel's flow with a flow of its own to it.
      const one = await lab(t, {
        stack: {
          onTcp: (request) => {
            const inward = one.stack
              .connect({ localAddress: STACK_V4, remoteAddress: KERNEL_V4, remotePort: 5201 })
              .toDuplex();
            const outward = request.accept().toDuplex();
            for (const stream of [inward, outward]) stream.on('error', () => {});
            inward.pipe(outward).pipe(inward);
          },
        },
      });
      const server = one.namespace.spawn('iperf3', ['-s', '-1', '--forceflush']);
      await new Promise((resolve) => server.stdout!.once('data', resolve));
      const { stdout, stderr } = await one.namespace.output('iperf3', [
        '-c',
        STACK_V4,
        '-n',
        '8M',
        '-J',
        ...(flag ? [flag] : []),
      ]);
      const report = JSON.parse(stdout.toString());
      t.notOk(report.error, report.error ?? stderr);
      t.ok(report.end.sum_sent.bytes >= 8_000_000);
      // What is under way when the last byte was sent is cut off by the end of the run.
      t.ok(report.end.sum_received.bytes >= 4_000_000, `${report.end.sum_received.bytes} bytes arrived`);
    });
  }
});

async function waitFor(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A client behind the kernel as a router, on a link with an MTU of 900. */
async function nestedClient(one: KernelLab) {
  const { join, Namespace } = await import('../support/namespace.ts');
  const inner = Namespace.create('inner');
  const names = join(one.namespace, ['10.79.0.1/24'], inner, ['10.79.0.2/24']);
  one.namespace.ip('link', 'set', names.left, 'mtu', '900');
  inner.ip('link', 'set', names.right, 'mtu', '1400');
  inner.ip('route', 'add', 'default', 'via', '10.79.0.1');
  one.namespace.exec('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1']);
  return inner;
}
