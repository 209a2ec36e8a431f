import { useEffect, useRef, useState } from 'preact/hooks';
import { IS_REPORT, machineTime } from '../core/report.js';

/**
 * Draws again whenever the store changes.
 * @template {{ watch(fn: () => void, interval?: number): () => void }} S
 * @param {S} store
 * @param {(store: S) => string | number | boolean} [part] what is drawn of it: draws again only if this changes
 * @param {number} [interval] how often to poll for this, in milliseconds, if it is not as often as usual
 * @returns {S}
 */
export function useStore(store, part, interval) {
  const [, draw] = useState(0);
  const drawn = useRef(/** @type {string | number | boolean | undefined} */ (undefined));
  drawn.current = part?.(store);
  useEffect(
    () =>
      store.watch(() => {
        if (part === undefined || part(store) !== drawn.current) draw((one) => one + 1);
      }, interval),
    [store, interval],
  );
  return store;
}

/** The current size of an element. */
export function useSize() {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = /** @type {ResizeObserverEntry} */ (entry).contentRect;
      setSize((before) => (before.width === width && before.height === height ? before : { width, height }));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return /** @type {const} */ ([ref, size]);
}

/** Milliseconds since the Unix epoch, updated each second; in a report, its creation time. */
export function useNow(interval = 1000) {
  const [now, setNow] = useState(machineTime());
  useEffect(() => {
    if (IS_REPORT) return undefined;
    const timer = setInterval(() => !document.hidden && setNow(Date.now()), interval);
    return () => clearInterval(timer);
  }, [interval]);
  return now;
}
