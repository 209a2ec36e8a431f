import { systemClock } from '../../src/lib/clock.ts';
import { seededRandom, systemRandom } from '../../src/lib/random.ts';
import { createNetstack, driveNetstack, type Netstack, type NetstackOptions } from '../../src/netstack/index.ts';
import { Impairment, type ImpairmentProfile } from './impairment.ts';
import { Namespace } from './namespace.ts';
import { Tun } from './tun.ts';

/** Addresses of the lab: the kernel is the client side of a tunnel, the stack everything behind it. */
export const KERNEL_V4 = '10.77.0.1';
export const KERNEL_V6 = 'fd77::1';
export const STACK_V4 = '10.78.0.10';
export const STACK_V6 = 'fd78::10';

export interface KernelLabOptions {
  readonly stack?: Partial<NetstackOptions>;
  readonly mtu?: number;
  /** MTU of the stack, when it is not that of the device. */
  readonly stackMtu?: number;
  readonly impairment?: ImpairmentProfile;
  readonly seed?: number;
}

/** The Linux kernel on one side of a TUN device, a netstack on the other, a bad path between them. */
export class KernelLab implements AsyncDisposable {
  readonly namespace: Namespace;
  readonly stack: Netstack;
  readonly tun: Tun;
  readonly toStack: Impairment;
  readonly toKernel: Impairment;
  readonly #stop: () => void;

  private constructor(
    namespace: Namespace,
    stack: Netstack,
    tun: Tun,
    toStack: Impairment,
    toKernel: Impairment,
    stop: () => void,
  ) {
    this.namespace = namespace;
    this.stack = stack;
    this.tun = tun;
    this.toStack = toStack;
    this.toKernel = toKernel;
    this.#stop = stop;
  }

  static async create(options: KernelLabOptions = {}): Promise<KernelLab> {
    const namespace = Namespace.create('kernel');
    const mtu = options.mtu ?? 1400;
    const profile = options.impairment ?? {};
    const seed = options.seed ?? 1;
    const clock = systemClock;
    let tun: Tun | undefined;
    const toKernel = new Impairment(profile, {
      clock,
      random: seededRandom(seed),
      deliver: (packet, offset, length) => void tun?.write(packet, offset, length),
    });
    const stack = createNetstack({
      output: (buffer, offset, length) => toKernel.send(buffer, offset, length),
      random: systemRandom,
      now: clock.monotonic(),
      mtu: options.stackMtu ?? mtu,
      ...options.stack,
    });
    const driver = driveNetstack(stack, clock);
    const toStack = new Impairment(profile, {
      clock,
      random: seededRandom(seed + 1),
      deliver: (packet, offset, length) => {
        stack.tick(clock.monotonic());
        stack.input(packet, offset, length);
      },
      onBatchEnd: () => stack.flush(),
    });
    tun = await Tun.open(namespace, {
      mtu,
      addresses: [`${KERNEL_V4}/24`, `${KERNEL_V6}/64`],
      routes: ['10.78.0.0/16', 'fd78::/64'],
      onPacket: (buffer, offset, length) => toStack.send(buffer, offset, length),
      onBatchEnd: () => stack.flush(),
    });
    return new KernelLab(namespace, stack, tun, toStack, toKernel, () => driver.stop());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    this.stack.close();
    this.toStack.close();
    this.toKernel.close();
    await this.tun.close();
    await this.namespace.remove();
  }
}
