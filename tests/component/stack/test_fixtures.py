import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.support.databases import Databases
from tests.support.topics import Topics


async def test_each_test_has_a_blank_database_with_a_schema_of_its_own(databases: Databases) -> None:
    dsn = await databases.blank("fresh")
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE only_here (n int)")
    assert await connection.fetchval("SELECT schemaname FROM pg_tables WHERE tablename = 'only_here'") == "fresh"
    await connection.close()


async def test_the_next_test_sees_nothing_of_the_one_before(databases: Databases) -> None:
    connection = await asyncpg.connect(await databases.blank("fresh"))
    assert await connection.fetchval("SELECT to_regclass('only_here')") is None
    await connection.close()


async def test_a_record_comes_back_from_the_topic_of_this_test(topics: Topics) -> None:
    async with AIOKafkaProducer(bootstrap_servers=topics.bootstrap) as producer:
        await producer.send_and_wait(topics.complaints, b"body", key=b"key")
    consumer = AIOKafkaConsumer(topics.complaints, bootstrap_servers=topics.bootstrap, auto_offset_reset="earliest")
    async with consumer:
        record = await consumer.getone()
    assert (record.key, record.value) == (b"key", b"body")
