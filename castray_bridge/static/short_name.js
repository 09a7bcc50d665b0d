/** Names on squares, which have room for about five letters. */

const ROOM = 5;

/** Return `name` where it is short, else its number with as much before it as there is room for, else its beginning. */
export function shortName(name) {
  if (width(name) <= ROOM) return name;
  const number = name.match(/[0-9]+$/)?.[0];
  if (!number) return cut([...name]).join("");
  if (number.length >= ROOM) return number.slice(-ROOM);
  const letters = name.slice(0, -number.length).match(/[A-Za-z]+$/)?.[0] ?? "";
  return letters.length + number.length <= ROOM ? letters + number : number;
}

function cut(letters) {
  while (width(letters.join("")) > ROOM) letters.pop();
  return letters;
}

/** Letters of CJK are twice as wide. */
function width(text) {
  return [...text].reduce((sum, letter) => sum + (letter.codePointAt(0) > 0x2e7f ? 2 : 1), 0);
}
