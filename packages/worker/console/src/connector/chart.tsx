import { useEffect, useRef } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { shown } from '../numbers.ts'

/** Pixels. */
const HEIGHT = 160

interface Props {
  readonly title: string
  /** Seconds since 1970. */
  readonly times: readonly number[]
  readonly values: readonly (number | null)[]
}

/** One line over time. The title tells the latest value, for those who do not see the line. */
export function Chart({ title, times, values }: Props) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(undefined)
  const data = useRef<UPlot.AlignedData>([[], []])
  data.current = [[...times], [...values]]
  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const draw = () => {
      plot.current?.destroy()
      plot.current = new UPlot(optionsOf(element), data.current, element)
    }
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    draw()
    scheme.addEventListener('change', draw)
    resized.observe(element)
    return () => {
      scheme.removeEventListener('change', draw)
      resized.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [])
  useEffect(() => plot.current?.setData(data.current), [times, values])
  const latest = values.at(-1) ?? undefined
  return (
    <figure>
      <figcaption>
        {title}: <b>{shown(latest)}</b>
      </figcaption>
      <div ref={place} role="img" aria-label={`${title} over time, now ${shown(latest)}`} />
    </figure>
  )
}

/** Colours are those of the page, light or dark. */
function optionsOf(element: HTMLElement): UPlot.Options {
  const style = getComputedStyle(element)
  const axis = {
    stroke: style.getPropertyValue('--quiet'),
    grid: { stroke: style.getPropertyValue('--line'), width: 1 },
    ticks: { stroke: style.getPropertyValue('--line'), width: 1 },
  }
  const accent = style.getPropertyValue('--accent')
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false },
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [axis, { ...axis, size: 60 }],
    series: [{}, { stroke: accent, width: 2, points: { show: false } }],
  }
}
