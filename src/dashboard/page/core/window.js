/**
 * The rows of a long list to render: the visible ones, and some around them. All rows have the same height.
 * @param {{ total: number, height: number, top: number, room: number, beside?: number }} view
 * @returns {{ from: number, to: number, before: number, all: number }} rows from `from` up to `to`; pixels before them and of all
 */
export function rowsInView({ total, height, top, room, beside = 8 }) {
  const all = total * height;
  const first = Math.max(0, Math.min(total, Math.floor(top / height)));
  const from = Math.max(0, first - beside);
  const to = Math.min(total, first + Math.ceil(Math.max(0, room) / height) + 1 + beside);
  return { from, to, before: from * height, all };
}

/** Most rows in a view of 4,000 pixels, whatever the length of the list. */
export const MOST_ROWS = 200;
