"""A thread that produces events at a steady rate."""
import threading
import time


class Feed(threading.Thread):
    """Produces until it is told to stop; owns the stream, the producer and the producer's oracle meanwhile."""

    def __init__(self, stream, producer, events_per_second, stop_seconds):
        super().__init__(name="feed", daemon=True)
        self.stream, self.producer, self.rate, self.stop_seconds = stream, producer, events_per_second, stop_seconds
        self.stopping = threading.Event()
        self.error = None

    def run(self):
        try:
            begin, sent = time.monotonic(), 0
            while not self.stopping.wait(0.01):
                due = int((time.monotonic() - begin) * self.rate)
                while sent < due:
                    self.producer.send(self.stream.next())
                    sent += 1
            self.producer.flush()
        except BaseException as error:  # handed to the test, which fails with it
            self.error = error

    def stop(self):
        self.stopping.set()
        self.join(self.stop_seconds)
        assert not self.is_alive(), "the producer did not finish"
        if self.error:
            raise self.error
