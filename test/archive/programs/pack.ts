// <folder> <archive> [umask]: packs a connector.
import { packConnector } from '../../../tooling/pack/pack-connector.ts'

const [folder = '', out = '', umask] = process.argv.slice(2)
if (umask !== undefined) process.umask(Number.parseInt(umask, 8))
await packConnector(folder, out)
