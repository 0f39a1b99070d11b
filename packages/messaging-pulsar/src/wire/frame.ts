import { ByteReader, readUint32be } from './byte-reader.ts'
import { ByteWriter, putUint32be } from './byte-writer.ts'
import {
  COMMAND_NUMBERS,
  type Command,
  type CommandInput,
  type CommandName,
  commandByNumber,
  commands,
} from './commands.ts'
import type { Encodable, MessageType } from './protobuf.ts'
import { wireError } from './wire-error.ts'

/**
 * A command without payload as it goes over the wire: the size of the frame, the size of the command (both 4 bytes),
 * `BaseCommand`.
 */
export function encodeCommand<K extends CommandName>(name: K, body: CommandInput<K>): Buffer {
  const type = commands[name] as unknown as MessageType<object>
  const number = COMMAND_NUMBERS[name]
  const inner = new ByteWriter()
  type.writeBody(inner, body as Encodable<object>)
  const writer = new ByteWriter(inner.position + 24)
  writer.position = 8
  writer.varint(8) // BaseCommand.type
  writer.varint(number)
  writer.varint((number << 3) | 2)
  writer.varint(inner.position)
  writer.bytes(inner.written())
  putUint32be(writer.buffer, 0, writer.position - 4)
  putUint32be(writer.buffer, 4, writer.position - 8)
  return writer.written()
}

/** Number of the command in a frame whose command begins at `start`. `BaseCommand.type` comes first from every broker. */
export function commandNumber(buffer: Buffer, start: number, end: number): number {
  if (buffer[start] === 8 && start + 1 < end) return buffer[start + 1] as number
  const reader = new ByteReader(buffer, start, end)
  while (reader.position < end) {
    const tag = reader.varint()
    if (tag === 8) return reader.varint()
    reader.skip(tag & 7)
  }
  throw wireError('a command without a type')
}

/** Reads the command between `start` and `end`; undefined for one that this client does not know. */
export function decodeCommand(buffer: Buffer, start: number, end: number): Command | undefined {
  const number = commandNumber(buffer, start, end)
  const entry = commandByNumber[number]
  if (entry === undefined) return undefined
  const [name, type] = entry
  const reader = new ByteReader(buffer, start, end)
  while (reader.position < end) {
    const tag = reader.varint()
    if (tag === ((number << 3) | 2)) return { name, body: type.read(reader) } as Command
    reader.skip(tag & 7)
  }
  throw wireError(`a ${name} command without its body`)
}

/** End of the command in a frame that begins at `start` with the size of the command. */
export function commandEnd(buffer: Buffer, start: number, end: number): number {
  if (start + 4 > end) throw wireError('a frame without a command')
  const commandEnds = start + 4 + readUint32be(buffer, start)
  if (commandEnds > end) throw wireError('a command that is larger than its frame')
  return commandEnds
}
