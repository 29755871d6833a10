"""The consumer against a real broker."""

from tanggap.platform.consumer import Consumer
from tests.support.plumbing import DECODERS, eventually, happened, plumbing_settings, publish, running, thing


class Inbox:
    """A handler that keeps what it gets."""

    def __init__(self):
        self.received = []
        self.batches = []

    async def __call__(self, records):
        self.batches.append(list(records))
        self.received += records

    @property
    def numbers(self):
        return [one.event.number for one in self.received]


def consumer(topics, handle, **settings):
    return Consumer(
        plumbing_settings(kafka=topics.bootstrap, **settings),
        topic=topics.complaints,
        decoders=DECODERS,
        handle=handle,
        group=topics.group,
        dead_letters=topics.dead_letters,
    )


async def test_a_new_group_gets_all_that_was_written_before_it_in_each_keys_order(topics):
    await publish(topics.bootstrap, topics.complaints, *(happened(n, thing(n % 7)) for n in range(200)))
    inbox = Inbox()

    async with running(consumer(topics, inbox)):
        await eventually(lambda: len(inbox.received) == 200)

    for key in range(7):
        numbers = [one.event.number for one in inbox.received if one.event.thing_id == thing(key)]
        assert numbers == sorted(numbers)
