"""Pulsar's Python client: one round of producing and consuming, as JSON lines. Arguments: URL, topic, count."""

import json
import sys
import threading
import time

import pulsar

url, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
payload = b"x" * 1024


def measured(work):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"ms": (time.perf_counter() - wall) * 1000, "cpuMs": (time.process_time() - cpu) * 1000}


quiet = pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
client = pulsar.Client(url, logger=quiet)
client.subscribe(topic, "bench", initial_position=pulsar.InitialPosition.Earliest).close()
producer = client.create_producer(
    topic,
    batching_enabled=True,
    batching_max_messages=1000,
    batching_max_allowed_size_in_bytes=4 * 1024 * 1024,
    batching_max_publish_delay_ms=10,
    max_pending_messages=50000,
    block_if_queue_full=True,
)
done = threading.Event()
left = count


def confirmed(result, _):
    global left
    if result != pulsar.Result.Ok:
        raise RuntimeError(result)
    left -= 1
    if left == 0:
        done.set()


def produce():
    for _ in range(count):
        producer.send_async(payload, confirmed)
    producer.flush()
    done.wait()


def consume():
    for number in range(1, count + 1):
        message = consumer.receive()
        if number % 1000 == 0:
            consumer.acknowledge_cumulative(message)


produced = measured(produce)
producer.close()
consumer = client.subscribe(
    topic, "bench", initial_position=pulsar.InitialPosition.Earliest, receiver_queue_size=50000
)
consumed = measured(consume)
consumer.close()
client.close()
print(json.dumps({"produce": produced, "consume": consumed}))
