import { TcpState } from '../core/types.ts';

/*
 * RFC 9293 §3.3.2, figure 5. A SYN waits in LISTEN until the application decides: `accept` sends SYN-ACK.
 *
 *                     passive-open        active-open
 *               CLOSED ──────────▶ LISTEN      └──────────▶ SYN-SENT
 *                                    │ accept        syn ┌────┘ │ syn-ack
 *                                    ▼                   ▼      │
 *                                 SYN-RECEIVED ◀─────────┘      │
 *                    send-fin ┌──────┘ │ ack-of-syn             │
 *                             ▼        ▼                        │
 *            FIN-WAIT-1 ◀── send-fin ─ ESTABLISHED ◀────────────┘
 *    ack-of-fin │   │ fin                │ fin
 *               ▼   ▼                    ▼
 *      FIN-WAIT-2   CLOSING          CLOSE-WAIT
 *          │ fin      │ ack-of-fin       │ send-fin
 *          ▼          ▼                  ▼
 *           TIME-WAIT                LAST-ACK
 *               │ expire                 │ ack-of-fin
 *               ▼                        ▼
 *             CLOSED ◀──── abort ─── from every state
 */

/** Events that change the state of a connection. */
export const TcpEvent = {
  PassiveOpen: 'passive-open',
  ActiveOpen: 'active-open',
  /** The application accepts: SYN-ACK is sent. */
  Accept: 'accept',
  /** A SYN without ACK crosses ours. */
  Syn: 'syn',
  SynAck: 'syn-ack',
  AckOfSyn: 'ack-of-syn',
  SendFin: 'send-fin',
  AckOfFin: 'ack-of-fin',
  Fin: 'fin',
  /** RST sent or received, a timeout, a refusal. */
  Abort: 'abort',
  /** TIME-WAIT is over. */
  Expire: 'expire',
} as const;
export type TcpEvent = (typeof TcpEvent)[keyof typeof TcpEvent];

const no = undefined;

/** Every state with every event; undefined = impossible, without effect if it happens. */
export const TRANSITIONS: Readonly<Record<TcpState, Readonly<Record<TcpEvent, TcpState | undefined>>>> = {
  [TcpState.Closed]: {
    'passive-open': TcpState.Listen,
    'active-open': TcpState.SynSent,
    accept: no,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': no,
    'send-fin': no,
    'ack-of-fin': no,
    fin: no,
    abort: no,
    expire: no,
  },
  [TcpState.Listen]: {
    'passive-open': no,
    'active-open': no,
    accept: TcpState.SynReceived,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': no,
    'send-fin': no,
    'ack-of-fin': no,
    fin: no,
    abort: TcpState.Closed,
    expire: no,
  },
  [TcpState.SynSent]: {
    'passive-open': no,
    'active-open': no,
    accept: no,
    syn: TcpState.SynReceived,
    'syn-ack': TcpState.Established,
    'ack-of-syn': no,
    'send-fin': no,
    'ack-of-fin': no,
    fin: no,
    abort: TcpState.Closed,
    expire: no,
  },
  [TcpState.SynReceived]: {
    'passive-open': no,
    'active-open': no,
    accept: no,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': TcpState.Established,
    'send-fin': TcpState.FinWait1,
    'ack-of-fin': no,
    fin: no,
    abort: TcpState.Closed,
    expire: no,
  },
  [TcpState.Established]: {
    'passive-open': no,
    'active-open': no,
    accept: no,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': no,
    'send-fin': TcpState.FinWait1,
    'ack-of-fin': no,
    fin: TcpState.CloseWait,
    abort: TcpState.Closed,
    expire: no,
  },
  [TcpState.FinWait1]: {
    'passive-open': no,
    'active-open': no,
    accept: no,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': no,
    'send-fin': no,
    'ack-of-fin': TcpState.FinWait2,
    fin: TcpState.Closing,
    abort: TcpState.Closed,
    expire: no,
  },
  [TcpState.FinWait2]: {
    'passive-open': no,
    'active-open': no,
    accept: no,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': no,
    'send-fin': no,
    'ack-of-fin': no,
    fin: TcpState.TimeWait,
    abort: TcpState.Closed,
    expire: no,
  },
  [TcpState.CloseWait]: {
    'passive-open': no,
    'active-open': no,
    accept: no,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': no,
    'send-fin': TcpState.LastAck,
    'ack-of-fin': no,
    fin: no,
    abort: TcpState.Closed,
    expire: no,
  },
  [TcpState.Closing]: {
    'passive-open': no,
    'active-open': no,
    accept: no,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': no,
    'send-fin': no,
    'ack-of-fin': TcpState.TimeWait,
    fin: no,
    abort: TcpState.Closed,
    expire: no,
  },
  [TcpState.LastAck]: {
    'passive-open': no,
    'active-open': no,
    accept: no,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': no,
    'send-fin': no,
    'ack-of-fin': TcpState.Closed,
    fin: no,
    abort: TcpState.Closed,
    expire: no,
  },
  [TcpState.TimeWait]: {
    'passive-open': no,
    'active-open': no,
    accept: no,
    syn: no,
    'syn-ack': no,
    'ack-of-syn': no,
    'send-fin': no,
    'ack-of-fin': no,
    fin: no,
    abort: TcpState.Closed,
    expire: TcpState.Closed,
  },
};
