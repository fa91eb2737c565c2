"""Facts out, messages in: the broker port and its two adapters, the codec, the relay and the consumer.

The room's rule: it knows the domain's ports and the event contracts, never a table of persistence nor a server.
"""
