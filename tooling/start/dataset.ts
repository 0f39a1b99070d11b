import { readFile } from 'node:fs/promises'

/** The earthquakes of one week, as the US Geological Survey published them: 1,707 GeoJSON features. */
export async function earthquakes(): Promise<readonly object[]> {
  const file = new URL('../data/earthquakes.json', import.meta.resolve('vega-datasets'))
  const collection = JSON.parse(await readFile(file, 'utf8')) as { readonly features: readonly object[] }
  return collection.features
}
