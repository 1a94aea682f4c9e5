"""What lies in a store, read by docs/STORAGE.md."""
import lmdb

# Partitions of the tests' topics.
SHARDS = 4


def rows(store):
    """{shard: {key: row}} of the live generations. The program is not running."""
    found = {}
    for directory in sorted(store.glob("shard-????")):
        with lmdb.open(str(directory), max_dbs=4, readonly=True, lock=False) as environment:
            table = environment.open_db(b"rows", create=False)
            with environment.begin() as transaction:
                found[directory.name] = dict(transaction.cursor(table))
    assert len(found) == SHARDS
    return found


def positions(store):
    """{(topic, partition): next offset} of the live generations, as their files have it."""
    found = {}
    for directory in sorted(store.glob("shard-????")):
        with lmdb.open(str(directory), max_dbs=4, readonly=True, lock=False) as environment:
            try:
                table = environment.open_db(b"meta", create=False)
            except lmdb.NotFoundError:  # Killed before it was made.
                continue
            with environment.begin() as transaction:
                for key, value in transaction.cursor(table):
                    if key.startswith(b"position/"):
                        found[key[len(b"position/"):].decode(), int(directory.name[6:])] = int.from_bytes(value[:8], "little", signed=True)
    return found
