/** The part of snappyjs that is used; the package brings no types. */
declare module 'snappyjs' {
  const snappy: {
    /** Raw format, without framing. */
    compress(bytes: Uint8Array): Uint8Array
    /** @throws when the input says that it becomes larger than `maxLength`, or is not Snappy. */
    uncompress(bytes: Uint8Array, maxLength?: number): Uint8Array
  }
  export default snappy
}
