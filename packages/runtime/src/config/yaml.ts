// Loaded where there is YAML. It stands between, because a bundle knows the names of a CommonJS module only where they
// are imported by a statement.
export { isMap, isNode, isScalar, parseAllDocuments, stringify } from 'yaml'
