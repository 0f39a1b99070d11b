"""Pulsar's Python client as a servant: one request per line on stdin, one answer per line on stdout, both JSON.

Payloads travel as base64. The C++ core writes messages to stdout by itself, which lead nowhere.
"""

import base64
import json
import logging
import os
import sys

import pulsar

COMPRESSION = {
    "NONE": pulsar.CompressionType.NONE,
    "LZ4": pulsar.CompressionType.LZ4,
    "ZLIB": pulsar.CompressionType.ZLib,
    "ZSTD": pulsar.CompressionType.ZSTD,
    "SNAPPY": pulsar.CompressionType.SNAPPY,
}
PLAIN = {"BYTES": pulsar.schema.BytesSchema, "STRING": pulsar.schema.StringSchema}


class Person(pulsar.schema.Record):
    name = pulsar.schema.String()
    age = pulsar.schema.Integer()


RECORDS = {"JSON": pulsar.schema.JsonSchema, "AVRO": pulsar.schema.AvroSchema}


def schema_of(name):
    return RECORDS[name](Person) if name in RECORDS else PLAIN[name]()


def encode(schema, text):
    """What `send` takes for a payload of the test."""
    if schema in RECORDS:
        return Person(**json.loads(text))
    return text if schema == "STRING" else base64.b64decode(text)


def decode(schema, message):
    if schema in RECORDS:
        person = message.value()
        return json.dumps({"name": person.name, "age": person.age})
    if schema == "STRING":
        return message.value()
    return base64.b64encode(message.data()).decode()


def produce(client, request):
    producer = client.create_producer(
        request["topic"],
        producer_name=request.get("name"),
        schema=schema_of(request.get("schema", "BYTES")),
        compression_type=COMPRESSION[request["compression"]],
        batching_enabled=request["batched"],
        batching_max_publish_delay_ms=50,
        chunking_enabled=request["chunked"],
        max_pending_messages=0 if request["chunked"] else 1000,
        block_if_queue_full=True,
        message_routing_mode=pulsar.PartitionsRoutingMode.RoundRobinDistribution,
    )
    failures = []

    def confirmed(result, _id):
        if result != pulsar.Result.Ok:
            failures.append(str(result))

    for message in request["messages"]:
        producer.send_async(
            encode(request.get("schema", "BYTES"), message["payload"]),
            confirmed,
            partition_key=message.get("key"),
            ordering_key=message.get("orderingKey"),
            properties=message.get("properties"),
            event_timestamp=message.get("eventTime"),
            sequence_id=int(message["sequenceId"]) if "sequenceId" in message else None,
        )
    producer.flush()
    producer.close()
    if failures:
        raise RuntimeError(failures[0])
    return {"count": len(request["messages"])}


def consume(client, request):
    consumer = client.subscribe(
        request["topic"],
        "interop",
        schema=schema_of(request.get("schema", "BYTES")),
        consumer_type=pulsar.ConsumerType.Exclusive,
        initial_position=pulsar.InitialPosition.Earliest,
    )
    messages = []
    while len(messages) < request["count"]:
        message = consumer.receive(timeout_millis=15000)
        consumer.acknowledge(message)
        messages.append(
            {
                "payload": decode(request.get("schema", "BYTES"), message),
                "key": message.partition_key(),
                "orderingKey": message.ordering_key(),
                "properties": message.properties(),
                "eventTime": message.event_timestamp(),
                "partition": message.message_id().partition(),
                "producerName": message.producer_name(),
                "tombstone": message.has_null_value(),
            }
        )
    consumer.close()
    return {"messages": messages}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    client = pulsar.Client(sys.argv[1], logger=logging.getLogger("pulsar"))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"produce": produce, "consume": consume}[request["do"]](client, request)
        except Exception as error:  # goes to the test that asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
    client.close()


main()
