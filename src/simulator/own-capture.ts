import {
  type Capture,
  CaptureFile,
  type CaptureHub,
  type CaptureOptions,
  type CaptureStatus,
  captureFile,
  follow,
} from '../capture/index.ts';

/** As for a capture, and where it is written. */
export interface OwnCaptureOptions extends CaptureOptions {
  /** Path of a file, which only its owner can read: it has keys. Written as packets come. Left out: memory only. */
  readonly file?: string | undefined;
  /** With `size`: goes on in a new file after so many bytes, and keeps as many files. Left out: ends there. */
  readonly files?: number | undefined;
}

/** A capture of a program's own. */
export class OwnCapture implements AsyncDisposable {
  readonly #hub: CaptureHub;
  readonly #capture: Capture;
  readonly #written: Promise<{ readonly lost: number }> | undefined;

  private constructor(hub: CaptureHub, capture: Capture, written: Promise<{ readonly lost: number }> | undefined) {
    this.#hub = hub;
    this.#capture = capture;
    this.#written = written;
    // Told by `stop`.
    written?.catch(() => {});
  }

  /** @internal */
  static start(hub: CaptureHub, { file, files, ...options }: OwnCaptureOptions): OwnCapture {
    if (file === undefined) return new OwnCapture(hub, hub.start(options), undefined);
    const { size, ...rest } = options;
    const target = new CaptureFile(file, files === undefined ? {} : { size, files });
    try {
      const capture = hub.start(files === undefined ? options : rest);
      const written = follow(capture, target, { begin: 'oldest', time: () => hub.time() });
      return new OwnCapture(hub, capture, written);
    } catch (error) {
      target.destroy();
      throw error;
    }
  }

  get status(): CaptureStatus {
    return this.#capture.status;
  }

  /**
   * Ends it, and waits until all is written. `lost`: packets that are missing because the file was slow.
   * @throws TunneliteError `ERR_CAPTURE_FILE`
   */
  async stop(): Promise<CaptureStatus & { readonly lost: number }> {
    this.#capture.stop('it was asked to');
    const { lost } = (await this.#written) ?? { lost: 0 };
    return { ...this.#capture.status, lost };
  }

  /** What is in memory of it, as a file for Wireshark. */
  bytes(): Buffer {
    return captureFile(this.#capture, this.#hub.time());
  }

  /** Ends it, and forgets what is in memory. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { id } = this.#capture;
    await this.stop();
    if (this.#hub.list().includes(this.#capture)) this.#hub.remove(id);
  }
}
