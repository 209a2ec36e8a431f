import { useEffect, useRef, useState } from 'preact/hooks';
import { IS_REPORT, machineTime } from '../core/report.js';

/** Draws again whenever the store changes. @template {{ watch(fn: () => void): () => void }} S @param {S} store @returns {S} */
export function useStore(store) {
  const [, draw] = useState(0);
  useEffect(() => store.watch(() => draw((one) => one + 1)), [store]);
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
