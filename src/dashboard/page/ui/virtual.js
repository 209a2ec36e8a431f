import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { rowsInView } from '../core/window.js';
import { useSize } from './hooks.js';
import { html } from './html.js';

/**
 * A virtual list of any length: renders only the visible rows. Arrow keys, Page Up and Down, Home and End move through it, Enter opens.
 *
 * @template R
 * @typedef {{ id: string, label: string, cell: (row: R) => any, kind?: string, sort?: (row: R) => string | number }} Column
 */

/**
 * @template R
 * @param {{
 *   label: string, kind: string, rows: readonly R[], columns: readonly Column<R>[], keyOf: (row: R) => string, height?: number,
 *   onOpen?: (row: R) => void, selected?: string | undefined, empty?: any, follow?: boolean, onFollow?: (follow: boolean) => void,
 *   onTop?: () => void, rowKind?: (row: R) => string, sorted?: { id: string, down: boolean } | undefined,
 *   onSort?: (sorted: { id: string, down: boolean }) => void,
 * }} props
 */
export function VirtualList(props) {
  const {
    label,
    kind,
    rows,
    columns,
    keyOf,
    height = 30,
    onOpen,
    selected,
    empty,
    follow,
    onFollow,
    onTop,
    rowKind,
    sorted,
    onSort,
  } = props;
  const [ref, size] = useSize();
  const [top, setTop] = useState(0);
  const [active, setActive] = useState(-1);
  const [focused, setFocused] = useState(false);
  const anchor = useRef({ first: '', top: 0 });
  const id = useId();
  const head = height;
  const { from, to, before, all } = rowsInView({ total: rows.length, height, top, room: size.height - head });

  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    if (follow) {
      element.scrollTop = element.scrollHeight;
      return;
    }
    // Rows added or removed above the visible ones do not move them.
    const { first } = anchor.current;
    if (first !== '' && rows[0] && keyOf(rows[0]) !== first && kind === 'journal') {
      const at = rows.findIndex((row) => keyOf(row) === first);
      if (at > 0) element.scrollTop += at * height;
    }
  }, [rows, rows.length, follow, size.height]);
  useEffect(() => {
    anchor.current = { first: rows[0] ? keyOf(rows[0]) : '', top };
  }, [rows, rows.length, top]);

  const onScroll = (/** @type {Event} */ event) => {
    const element = /** @type {HTMLElement} */ (event.currentTarget);
    setTop(element.scrollTop);
    const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
    if (onFollow && follow !== atEnd) onFollow(atEnd);
    if (onTop && element.scrollTop < height * 4) onTop();
  };
  const move = (/** @type {number} */ index) => {
    const next = Math.max(0, Math.min(rows.length - 1, index));
    setActive(next);
    const element = ref.current;
    if (!element) return;
    const y = next * height;
    const room = element.clientHeight - head;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + height > element.scrollTop + room) element.scrollTop = y + height - room;
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey || rows.length === 0)
      return;
    const page = Math.max(1, Math.floor((size.height - head) / height) - 1);
    const start = Math.max(active, 0);
    const steps = /** @type {Record<string, number>} */ ({
      ArrowDown: active < 0 ? from : active + 1,
      ArrowUp: start - 1,
      PageDown: start + page,
      PageUp: start - page,
      Home: 0,
      End: rows.length - 1,
    });
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      move(step);
    } else if (event.key === 'Enter' && rows[active] && onOpen) {
      event.preventDefault();
      onOpen(/** @type {R} */ (rows[active]));
    }
  };
  const shown = rows.slice(from, to);
  const activeId = active >= from && active < to ? `${id}-${active}` : undefined;
  return html`<div
    class=${`list list-${kind}`}
    role="grid"
    aria-label=${label}
    aria-rowcount=${rows.length + 1}
    aria-activedescendant=${focused ? activeId : undefined}
    tabindex="0"
    ref=${ref}
    onScroll=${onScroll}
    onKeyDown=${onKeyDown}
    onFocus=${() => setFocused(true)}
    onBlur=${() => setFocused(false)}
  >
    <div role="rowgroup" class="list-head">
      <div role="row" aria-rowindex="1" class="row">
        ${columns.map((column) => {
          const on = sorted?.id === column.id;
          const state = on ? (sorted?.down ? 'descending' : 'ascending') : undefined;
          return html`<div role="columnheader" class=${`cell ${column.kind ?? ''}`} aria-sort=${state} key=${column.id}>
            ${
              column.sort && onSort
                ? html`<button type="button" onClick=${() => onSort({ id: column.id, down: on ? !sorted?.down : false })}>${column.label}<span class="sort" aria-hidden="true">${on ? (sorted?.down ? '↓' : '↑') : ''}</span></button>`
                : column.label
            }
          </div>`;
        })}
      </div>
    </div>
    <div role="rowgroup" class="list-body" style=${{ height: `${all}px` }}>
      ${
        rows.length === 0
          ? html`<div role="row" class="empty-row"><div role="gridcell" class="empty">${empty}</div></div>`
          : shown.map((row, i) => {
              const index = from + i;
              const key = keyOf(row);
              const kinds = [
                'row',
                rowKind?.(row) ?? '',
                key === selected ? 'selected' : '',
                focused && index === active ? 'active' : '',
              ];
              return html`<div
                role="row"
                id=${`${id}-${index}`}
                key=${key}
                class=${kinds.filter(Boolean).join(' ')}
                aria-rowindex=${index + 2}
                aria-selected=${selected === undefined ? undefined : String(key === selected)}
                style=${{ transform: `translateY(${before + i * height}px)`, height: `${height}px` }}
                onClick=${
                  onOpen &&
                  ((/** @type {MouseEvent} */ event) => {
                    if (/** @type {HTMLElement} */ (event.target).closest('a, button, input')) return;
                    setActive(index);
                    onOpen(row);
                  })
                }
              >
                ${columns.map((column) => html`<div role="gridcell" class=${`cell ${column.kind ?? ''}`} key=${column.id}>${column.cell(row)}</div>`)}
              </div>`;
            })
      }
    </div>
  </div>`;
}

/**
 * Rows in the order of a column.
 * @template R
 * @param {readonly R[]} rows @param {readonly Column<R>[]} columns @param {{ id: string, down: boolean } | undefined} sorted @returns {readonly R[]}
 */
export function inOrder(rows, columns, sorted) {
  const by = columns.find(({ id }) => id === sorted?.id)?.sort;
  if (!by || !sorted) return rows;
  const keyed = rows.map((row) => /** @type {const} */ ([by(row), row]));
  keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  if (sorted.down) keyed.reverse();
  return keyed.map(([, row]) => row);
}
