import { record } from '@pulsar-io/testkit'
import { describe, expect, it } from 'vitest'
import { parseJaas } from '../src/jaas.ts'
import { Partition } from '../src/partition.ts'
import { murmur2, partitionOf } from '../src/partitioner.ts'
import { parsePartitions } from '../src/partitions.ts'
import { Positions } from '../src/positions.ts'
import { deserializer, keyReader, serializer } from '../src/serde.ts'
import { parseStart } from '../src/start-from.ts'
import { parseTopic } from '../src/topic-name.ts'
import { TOPIC } from './support.ts'

describe('the partition of a key', () => {
  // From UtilsTest of Kafka's Java client.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('has the hash of Java for %s', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
    expect(partitionOf(Buffer.from(key), 7)).toBe((hash & 0x7fffffff) % 7)
  })
})

describe('a login in the words of Java', () => {
  it('is read with all quotes', () => {
    expect(parseJaas(`a.b.PlainLoginModule required username="jo" password='p"; \\'x' n=5 ;`)).toEqual({
      module: 'PlainLoginModule',
      options: { username: 'jo', password: `p"; 'x`, n: '5' },
    })
  })

  it.each([
    ['PlainLoginModule', 'must begin with a class'],
    ['a.PlainLoginModule required username="jo"', 'semicolon'],
    ['a.PlainLoginModule required username="jo" secret-word;', 'character'],
  ])('is refused without showing it: %s', (text, message) => {
    expect(() => parseJaas(text)).toThrow(message)
    expect(() => parseJaas(text)).not.toThrow('secret-word')
  })
})

describe('a topic', () => {
  const some = (more: object) => record('x', { topic: TOPIC, ...more } as never)

  it('takes parts from the record', () => {
    const { fixed, of } = parseTopic('{tenant}.{namespace}.{topic}-{key}-{properties.r.x}-{value.a.b}')
    expect(fixed).toBeUndefined()
    expect(of(some({ key: 'k', properties: { 'r.x': 'eu' }, value: { a: { b: 5n } } }))).toBe(
      'public.default.orders-k-eu-5',
    )
    expect(parseTopic('plain').fixed).toBe('plain')
  })

  it.each([
    ['{region}', 'not known'],
    ['a b', 'may hold only'],
    ['', 'is empty'],
    ['x'.repeat(250), '250 characters'],
    ['{properties}', 'not known'],
  ])('is refused: %s', (text, message) => expect(() => parseTopic(text)).toThrow(message))

  it('makes a record without the part, or with one that is no name, a dead letter', () => {
    const { of } = parseTopic('a-{properties.r}')
    expect(() => of(some({}))).toThrow('has no {properties.r}')
    expect(() => of(some({ properties: { r: 'ü' } }))).toThrow('is no name of a topic')
    // No field of the prototype.
    expect(() => parseTopic('a-{value.constructor.name}').of(some({ value: {} }))).toThrow('has no')
  })
})

describe('small texts', () => {
  it('name partitions', () => {
    expect(parsePartitions(['3', '0-2', '1'])).toEqual([0, 1, 2, 3])
    for (const wrong of ['-1', '2-1', 'x', '1.5', '0-9999999'])
      expect(() => parsePartitions([wrong])).toThrow('must be numbers')
  })

  it('say where to begin', () => {
    expect(parseStart('latest')).toEqual({ kind: 'latest' })
    expect(parseStart('offset:12')).toEqual({ kind: 'offset', offset: 12n })
    expect(parseStart('1700000000000')).toEqual({ kind: 'time', time: 1_700_000_000_000 })
    expect(parseStart('2023-11-14T22:13:20Z')).toEqual({ kind: 'time', time: 1_700_000_000_000 })
    for (const wrong of ['', 'Earliest', 'offset:-1', '12', '2023-99-99'])
      expect(() => parseStart(wrong)).toThrow('must be')
  })
})

describe('values', () => {
  const java = 'org.apache.kafka.common.serialization.'

  it.each([
    ['Long', 2n ** 62n],
    ['Integer', -5],
    ['Short', 300],
    ['Double', 0.25],
    ['Float', 0.5],
    ['String', 'grüße'],
  ])('are read as they are written: %s', (kind, value) => {
    const bytes = serializer(`${java}${kind}Serializer`)(value)
    expect(deserializer(`${java}${kind}Deserializer`).read(bytes)).toEqual(value)
    expect(keyReader(`${java}${kind}Deserializer`)(bytes)).toBe(String(value))
  })

  it('say what cannot be written', () => {
    const int = serializer(`${java}IntegerSerializer`)
    expect(int('12')).toEqual(Buffer.from([0, 0, 0, 12]))
    for (const wrong of [2 ** 40, 1.5, '1.5', 'x', {}, true, null])
      expect(() => int(wrong)).toThrow('IntegerSerializer cannot write this')
    expect(() => serializer(`${java}ByteArraySerializer`)(() => 1)).toThrow('no JSON form')
  })

  it('have keys of bytes as base64', () => {
    expect(keyReader(`${java}ByteArrayDeserializer`)(Buffer.from([255]))).toBe('/w==')
  })
})

describe('a partition that is read', () => {
  const make = () => {
    const partition = new Partition('t', 'id', 0, 10n, () => undefined)
    const hand = (offset: bigint) => {
      const number = partition.hand()
      return () => partition.published(number, offset)
    }
    return { partition, hand }
  }

  it('is done up to the first record that is not published, whatever came later', () => {
    const { partition, hand } = make()
    const [a, b, c] = [hand(10n), hand(12n), hand(13n)]
    partition.saw(20n)
    c()
    expect(partition.done).toBe(10n)
    a()
    expect(partition.done).toBe(11n)
    expect(partition.settled).toBe(false)
    b()
    expect(partition.settled).toBe(true)
    // Behind the last record there was nothing but markers.
    expect(partition.done).toBe(20n)
  })

  it('passes over what holds no record', () => {
    const { partition } = make()
    partition.saw(15n)
    expect(partition.done).toBe(15n)
  })
})

describe('positions', () => {
  const at = (entryId: bigint) => ({ ledgerId: 5n, entryId, batchIndex: -1 })
  const raw = (positions: Positions, entryId: bigint, partition = 0) =>
    ({ ...positions.encode({ topic: TOPIC, partition, position: at(entryId) }) }) as never

  it('of one connector are kept, the latest of each partition; those of others are not looked at', () => {
    const mine = new Positions('public/default/mine')
    mine.see(raw(mine, 3n))
    mine.see(raw(mine, 2n))
    mine.see(raw(mine, 9n, 1))
    mine.see(raw(new Positions('public/default/other'), 7n))
    mine.see({ key: Buffer.from('no json'), value: null } as never)
    expect(mine.all).toEqual([
      { topic: TOPIC, partition: 0, position: at(3n) },
      { topic: TOPIC, partition: 1, position: at(9n) },
    ])
    expect(mine.of(TOPIC, 0)?.position).toEqual(at(3n))
  })
})
