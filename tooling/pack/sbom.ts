import type { BundledPackage } from './licenses.ts'

/** Path of the bill of materials inside the package. */
export const SBOM_FILE = 'sbom.cdx.json'

/**
 * What was bundled, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). It has no time and no serial number, so that
 * the same input makes the same bytes.
 */
export function sbom(subject: Omit<BundledPackage, 'texts'>, packages: readonly BundledPackage[]): object {
  const components = packages.map(component)
  const main = component(subject)
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: main },
    components,
    dependencies: [{ ref: main['bom-ref'], dependsOn: components.map(each => each['bom-ref']) }],
  }
}

function component({ name, version, license }: Omit<BundledPackage, 'texts'>) {
  const purl = `pkg:npm/${name.replace(/^@/, '%40')}@${version}`
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    // An expression holds a single identifier as well.
    ...(/^[\w .()+-]+$/.test(license) && license !== 'not stated' ? { licenses: [{ expression: license }] } : {}),
    purl,
  }
}
