/** Bytes of a piece of memory: enough for the values of some hundred rows. */
const PIECE = 64 * 1024

/**
 * Where values are written, one behind the other, and each is then a part of the same piece of memory: a buffer for
 * every length and number of a value would cost more than all of its bytes.
 */
export class Output {
  #bytes = Buffer.allocUnsafeSlow(PIECE)
  #view = viewOf(this.#bytes)
  /** Where the value begins that is being written, and where it ends so far. */
  #start = 0
  #end = 0

  /** Begins a value. What is left of one that failed half-way is written over. */
  begin(): void {
    this.#end = this.#start
  }

  /** The value that was begun last. */
  take(): Buffer {
    const value = this.#bytes.subarray(this.#start, this.#end)
    this.#start = this.#end
    return value
  }

  /** Bytes of the value so far, which is also the place in it that comes next. */
  get length(): number {
    return this.#end - this.#start
  }

  int8(value: number): void {
    const at = this.#next(1)
    this.#view.setInt8(at, value)
  }

  int16(value: number): void {
    const at = this.#next(2)
    this.#view.setInt16(at, value)
  }

  int32(value: number): void {
    const at = this.#next(4)
    this.#view.setInt32(at, value)
  }

  int64(value: bigint): void {
    const at = this.#next(8)
    this.#view.setBigInt64(at, value)
  }

  float32(value: number): void {
    const at = this.#next(4)
    this.#view.setFloat32(at, value)
  }

  float64(value: number): void {
    const at = this.#next(8)
    this.#view.setFloat64(at, value)
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#next(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** In UTF-8. */
  text(text: string): void {
    // A character is 3 bytes at most; to count them first is worth it only where the text is long.
    this.#reserve(text.length < 1024 ? text.length * 3 : Buffer.byteLength(text))
    this.#end += this.#bytes.write(text, this.#end)
  }

  /** Writes over four bytes of the value, at a place in it. */
  setInt32(at: number, value: number): void {
    this.#view.setInt32(this.#start + at, value)
  }

  /** Puts bytes before what stands at a place of the value. */
  insert(at: number, bytes: Uint8Array): void {
    const end = this.#next(bytes.length)
    const from = this.#start + at
    this.#bytes.copyWithin(from + bytes.length, from, end)
    this.#bytes.set(bytes, from)
  }

  /** The place of so many more bytes, which may be in another piece of memory than those before. */
  #next(count: number): number {
    this.#reserve(count)
    const at = this.#end
    this.#end += count
    return at
  }

  /** Room for so many more bytes: if need be in another piece of memory, with the value as far as it is written. */
  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return
    const { length } = this
    const bytes = Buffer.allocUnsafeSlow(Math.max(PIECE, 2 * (length + count)))
    this.#bytes.copy(bytes, 0, this.#start, this.#end)
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.#start = 0
    this.#end = length
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Buffer): DataView => new DataView(buffer, byteOffset, byteLength)
