import t from 'tap';
import { explain, type Finding, parseSubject } from '../../src/explain/index.ts';
import type { TunneliteEvent } from '../../src/telemetry/index.ts';

/** What is found when a rule strikes one connection and the handshake of another, or of the same, fails. */
function untrusted(struck: string, failed: string): Finding | undefined {
  const event = { time: 1_700_000_000_000, level: 'warn', text: 'An event.' };
  const strike = { rule: 'no-logins', fault: 'refuse', seam: 'decision', remote: struck, detail: 'login', hit: 1 };
  const failure = {
    remote: failed,
    reason: 'untrusted',
    alert: 'unknown_ca',
    explanation: 'It does not trust the CA.',
  };
  const events = [
    { ...event, seq: 1, name: 'fault.injected', fields: strike },
    { ...event, seq: 2, name: 'tls.failed', fields: failure },
  ] as unknown as readonly TunneliteEvent[];
  return explain(events, parseSubject('198.51.100.9')).findings.find(({ cause }) => cause === 'tls-untrusted');
}

t.test('a fault rule is the cause of a failed handshake on the connection that it struck', async (t) => {
  t.match(untrusted('198.51.100.9:1000', '198.51.100.9:1000'), {
    rule: 'no-logins',
    why: /fault rule no-logins/,
    next: [/^`tunnelite fault remove no-logins`$/],
  });
});

t.test('a fault rule that struck an earlier connection is not the cause of a later failed handshake', async (t) => {
  const found = untrusted('198.51.100.9:1000', '198.51.100.9:1001');
  t.equal(found?.rule, undefined);
  t.notMatch([found?.why, ...(found?.next ?? [])].join(' '), /\bfault/);
});
