import type { PacketPort, SessionInfo } from '../gateway/index.ts';
import { personOf, type Requester } from '../lib/person.ts';
import type { Netstack, NetstackDriver } from '../netstack/index.ts';

/** Connects a gateway and the stack behind it: packets enter with their session as owner. The stack's time advances once per batch. */
export function stackPort(
  stack: Netstack,
  driver: NetstackDriver,
  onSessionOver: (session: string) => void = () => {},
): PacketPort {
  let inBatch = false;
  return {
    onPacket(buffer, offset, length, session) {
      if (!inBatch) {
        inBatch = true;
        driver.tick();
      }
      stack.input(buffer, offset, length, session);
    },
    onBatchEnd() {
      if (!inBatch) return;
      inBatch = false;
      stack.flush();
    },
    onPathChanged: (address) => stack.pathChanged(address),
    onAddressReleased(address, session) {
      stack.forget(address);
      onSessionOver(session.id);
    },
  };
}

/** Identifies an owner of packets. Only packets of sessions enter through the port. */
export function requesterOf(owner: object | undefined): Requester | undefined {
  const session = owner as SessionInfo | undefined;
  return session && { session: session.id, person: personOf(session) };
}

/** The channel that an owner's packets use now. */
export function channelOf(owner: object | undefined): 'cstp' | 'dtls' {
  return (owner as SessionInfo | undefined)?.dataChannel ?? 'cstp';
}
