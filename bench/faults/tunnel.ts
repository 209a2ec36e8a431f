import { type CaptureTaps, NO_TAPS } from '../../src/capture/index.ts';
import type { FaultPorts } from '../../src/faults/ports.ts';
import type { ControlChannel } from '../../src/gateway/session/channel-ports.ts';
import { PacketSeam } from '../../src/gateway/session/packet-seam.ts';
import { Tunnel } from '../../src/gateway/session/tunnel.ts';

export const OWN_ADDRESS = Buffer.from([169, 254, 0, 2]);

/** A tunnel of one session; its channel and the network behind it cost nothing but a call. */
export function freeTunnel(faults: FaultPorts, onPacket: () => void, taps: CaptureTaps = NO_TAPS): Tunnel {
  const control: ControlChannel = {
    remote: '192.0.2.7:5000',
    sendData: () => {
      onPacket();
      return true;
    },
    checkLiveness: () => undefined,
    excuse: () => {},
    askBefore: () => false,
    asked: false,
    vouch: () => {},
    deadAt: () => Infinity,
    nextLook: () => Infinity,
    close: () => {},
  };
  const around = { gatewayAddress: () => undefined, onBatchEnd: () => {} };
  const session = { id: 'abcdef', handOn: onPacket, tunnel: undefined };
  const tunnel: Tunnel = new Tunnel(
    {
      mtu: 1434,
      dpd: 90,
      idleTimeout: undefined,
      sessionTimeout: undefined,
      acceptedAt: 0,
      address4: { index: 1, text: '169.254.0.2', bytes: OWN_ADDRESS },
      address6: undefined,
      remoteAddress: '192.0.2.7',
      tlsCipher: '',
      userAgent: undefined,
      deviceType: undefined,
      devicePlatform: undefined,
      hostname: undefined,
      udp: 'off',
    },
    {
      id: session.id,
      emit: () => {},
      coarseNow: 0,
      monotonic: 0,
      faults,
      taps,
      packetSeam: new PacketSeam(session, around),
      answersDpd: () => true,
      handOn: onPacket,
      pathChanged: () => {},
      lookSooner: () => {},
      end: () => {},
    },
  );
  tunnel.open(control, undefined);
  return tunnel;
}
