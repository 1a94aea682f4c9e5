internal import Glibc
internal import Kafka

/// Records of one shard on their way from the polling thread to the shard's own: bounded, and taken all at once.
///
/// The shard takes whatever has arrived while it was committing: few records when it is quiet, many when it is busy. When more waits than
/// `pauseBytes`, the polling thread pauses the partitions (`isFull`) until less than half of it is left. What all shards hold together is
/// bounded by `IngestBudget`, which is told `heldBytes`.
final class RecordQueue: @unchecked Sendable {
    // Guarded by `mutex`, all of it.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let arrived: UnsafeMutablePointer<pthread_cond_t>
    private var records: [Record] = []
    private var bytes = 0
    /// `RecordCost` of what waits, and of what was taken last.
    private var waitingCost = 0
    private var workingCost = 0
    private var isShut = false
    private var isWaiting = false
    private let cost: RecordCost
    private let pauseBytes: Int
    private let pauseCount: Int

    init(pauseBytes: Int, pauseCount: Int, cost: RecordCost) {
        self.cost = cost
        self.pauseBytes = pauseBytes
        self.pauseCount = pauseCount
        mutex = .allocate(capacity: 1)
        arrived = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(arrived, nil)
    }

    deinit {
        for record in records { record.destroy() }
        pthread_cond_destroy(arrived)
        pthread_mutex_destroy(mutex)
        arrived.deallocate()
        mutex.deallocate()
    }

    private func locked<R>(_ body: () -> R) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Takes over `fresh` and leaves it empty. A closed queue destroys what comes: it was never applied, so it will be read again.
    func append(_ fresh: inout [Record], bytes freshBytes: Int, cost freshCost: Int) {
        locked {
            if isShut {
                for record in fresh { record.destroy() }
            } else {
                records.append(contentsOf: fresh)
                bytes += freshBytes
                waitingCost += freshCost
                pthread_cond_signal(arrived)
            }
        }
        fresh.removeAll(keepingCapacity: true)
    }

    /// Waits for records and moves up to `maxCount` of them, about `maxBytes` and about `maxCost`, to `batch`. False when the queue is
    /// closed.
    func take(into batch: inout [Record], maxCount: Int, maxBytes: Int, maxCost: Int) -> Bool {
        locked {
            isWaiting = true
            while records.isEmpty, !isShut { pthread_cond_wait(arrived, mutex) }
            isWaiting = false
            if isShut { return false }
            if records.count <= maxCount, bytes <= maxBytes, waitingCost <= maxCost {
                swap(&records, &batch)
                (workingCost, waitingCost, bytes) = (waitingCost, 0, 0)
                return true
            }
            var count = 0, taken = 0
            while count < min(maxCount, records.count), taken < maxBytes, workingCost < maxCost {
                taken += records[count].byteCount
                workingCost += cost(records[count])
                count += 1
            }
            batch.append(contentsOf: records[..<count])
            records.removeFirst(count)
            bytes -= taken
            waitingCost -= workingCost
            return true
        }
    }

    /// The batch that was taken is done and its records are destroyed.
    func giveBack() { locked { workingCost = 0 } }

    /// What waits and what is being worked on.
    var heldBytes: Int { locked { waitingCost + workingCost } }
    /// Whether everything that came has been applied: nothing waits, and the shard's thread waits for more.
    var isIdle: Bool { locked { records.isEmpty && isWaiting } }
    var isClosed: Bool { locked { isShut } }
    var isFull: Bool { locked { bytes > pauseBytes || records.count > pauseCount } }
    var isHalfEmpty: Bool { locked { bytes <= pauseBytes / 2 && records.count <= pauseCount / 2 } }

    /// Wakes the shard's thread for the last time and drops what waits.
    func close() {
        locked {
            isShut = true
            for record in records { record.destroy() }
            records.removeAll()
            (bytes, waitingCost) = (0, 0)
            pthread_cond_broadcast(arrived)
        }
    }

    /// For a pause that ends early when the queue is closed. True when it was closed.
    func waitUntilClosed(seconds: Int) -> Bool {
        locked {
            var deadline = timespec()
            clock_gettime(CLOCK_REALTIME, &deadline)
            deadline.tv_sec += seconds
            while !isShut {
                if pthread_cond_timedwait(arrived, mutex, &deadline) == ETIMEDOUT { break }
            }
            return isShut
        }
    }
}
