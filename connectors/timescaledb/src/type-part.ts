/** The type in `numeric(10,2) NOT NULL DEFAULT 0`. */
export function typePart(column: string): string {
  return column
    .split(/\s+(?:NOT\s+NULL|NULL|DEFAULT|PRIMARY|UNIQUE|REFERENCES|CHECK|GENERATED|COLLATE|CONSTRAINT)\b/i, 1)
    .join('')
    .trim()
}
