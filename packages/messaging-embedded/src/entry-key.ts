/** Key of the entry whose first message has this ordinal; entries of a topic stand in their order. */
export function entryKey(topicId: number, ordinal: number): Buffer {
  const key = Buffer.allocUnsafe(12)
  key.writeUInt32BE(topicId, 0)
  key.writeUInt32BE(Math.floor(ordinal / 2 ** 32), 4)
  key.writeUInt32BE(ordinal % 2 ** 32, 8)
  return key
}

/** The ordinal in a key of {@link entryKey}. */
export function ordinalOf(key: Buffer): number {
  return key.readUInt32BE(4) * 2 ** 32 + key.readUInt32BE(8)
}
