/**
 * Puts `content` between the lines `<!-- name:start -->` and `<!-- name:end -->` of a Markdown text.
 * @throws when the markers are not there exactly once.
 */
export function betweenMarkers(text: string, name: string, content: string, file: string): string {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`]
  const [before, inside, ...more] = text.split(start)
  if (before === undefined || inside === undefined || more.length > 0 || inside.split(end).length !== 2) {
    throw new Error(`${file}: needs ${start} and ${end}, once each, where the generated text goes`)
  }
  return `${before}${start}\n${content}\n${end}${inside.split(end)[1]}`
}
