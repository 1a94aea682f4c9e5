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


def system_went_down(store):
    """Has each shard believe that the system went down since it was killed, as the boot id in its checkpoint is another one. How many of them have commits since."""
    behind = 0
    for path in sorted(store.glob("shard-????/checkpoint")):
        content = bytearray(path.read_bytes())
        newest = max((content[at:at + 4096] for at in (0, 4096) if _is_whole(content[at:at + 1536])), key=lambda slot: _number(slot, 16))
        page = _number(newest, 24)
        data = (path.parent / "data.mdb").read_bytes()[:page + 512]
        behind += (data[:512], data[page:]) != (newest[512:1024], newest[1024:1536])
        for at in (0, 4096):
            if _is_whole(content[at:at + 1536]):
                content[at + 32:at + 96] = b"another".ljust(64, b"\0")
                content[at + 8:at + 16] = _hash(content[at + 16:at + 1536]).to_bytes(8, "little")
        path.write_bytes(content)
    return behind


def _number(slot, at):
    return int.from_bytes(slot[at:at + 8], "little")


def _is_whole(slot):
    return slot[:8] == b"MILLCKPT" and _number(slot, 8) == _hash(slot[16:])


def _hash(content):
    value = 0xcbf29ce484222325
    for byte in content:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return value
