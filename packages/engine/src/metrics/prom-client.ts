// Loaded where there is a metrics port. It stands between, because a bundle knows the names of a CommonJS module only
// where they are imported by a statement.
export { collectDefaultMetrics, Registry } from 'prom-client'
