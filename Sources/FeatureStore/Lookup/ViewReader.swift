/// Finishes the features of one view.
struct ViewReader {
    let read: ReadPlan.ViewRead
    /// One per row, opened.
    let parts: UnsafeMutableBufferPointer<RowPart>
    let time: Int64
    private var view: ViewPlan { read.plan }

    func finish(into slots: inout MutableSpan<FeatureValue>) {
        withAccumulators { accumulators in
            let newest = newestEvent()
            read.forEachWindow(at: time) { finish($0, newest, accumulators, &slots) }
        }
    }

    /// Finishes the features of one window alone.
    func finish(only window: ReadPlan.WindowRead, into slots: inout MutableSpan<FeatureValue>) {
        withAccumulators { finish(window, newestEvent(), $0, &slots) }
    }

    /// One per column that is read.
    private struct Accumulators {
        let fixed: UnsafeMutableBufferPointer<FixedAccumulator>
        let variable: UnsafeMutableBufferPointer<VariableAccumulator>
    }

    private func withAccumulators(_ body: (Accumulators) -> Void) {
        withUnsafeTemporaryAllocation(of: FixedAccumulator.self, capacity: read.fixed.count) { fixed in
            for i in fixed.indices { fixed.initializeElement(at: i, to: FixedAccumulator(read.fixed[i])) }
            withUnsafeTemporaryAllocation(of: VariableAccumulator.self, capacity: read.variable.count) { variable in
                for i in variable.indices { variable.initializeElement(at: i, to: VariableAccumulator(read.variable[i])) }
                defer { variable.deinitialize() }
                body(Accumulators(fixed: fixed, variable: variable))
            }
        }
    }

    /// The view's newest event that is not after `time`: its first sequence has it.
    private func newestEvent() -> Int64? {
        var newest: Int64?
        for part in parts {
            SequenceCells.forEach(0, of: view, in: part.sequences) { entry, _, _, _ in
                guard entry <= time else { return true }
                newest = Swift.max(newest ?? entry, entry)
                return false
            }
        }
        return newest
    }

    private func finish(
        _ window: ReadPlan.WindowRead, _ newest: Int64?, _ accumulators: Accumulators, _ slots: inout MutableSpan<FeatureValue>
    ) {
        let left = window.window.leftEdge(at: time)
        var isWarming = false, isKnown = true
        for i in parts.indices {
            if let since = parts[i].since, left ?? .min < since { isWarming = true }
            if !parts[i].reaches(window.window, of: view.levels, left: left, at: time) { isKnown = false }
            accumulate(&parts[i], down: left, accumulators)
        }
        for i in window.features {
            let (slot, finish) = read.features[i]
            if isWarming {
                slots[slot] = FeatureValue(value: .null, status: .warming, newestEventTime: newest)
                continue
            }
            var newest = newest, isKnown = isKnown
            let value: Value
            if let column = finish.sequence {
                let sequence = SequenceReader(parts: parts, view: view, index: column, left: left, time: time)
                isKnown = sequence.isKnown
                value = isKnown ? sequenceValue(finish, sequence) : .null
                if view.definition.isPushed { newest = sequence.newest }
            } else {
                value = isKnown ? tileValue(finish, accumulators) : .null
            }
            slots[slot] = FeatureValue(
                value: value, status: value.isNull ? .missing : .present, newestEventTime: newest, isForgotten: !isKnown)
        }
    }

    /// Takes the tiles from where the last window ended down to `left`.
    private func accumulate(_ part: inout RowPart, down left: Int64?, _ accumulators: Accumulators) {
        guard let base = part.tiles.baseAddress else { return }
        let headerBytes = view.headerBytes, fixedBytes = view.fixedBytes
        let hasVariable = headerBytes > 4
        let end = part.tiles.count
        var at = part.at
        defer { part.at = at }
        while at < end {
            let tile = base + at
            let start = Int64(tile.loadUnaligned(as: UInt32.self)) * 1_000_000
            if let left, start < left || start == Levels.lifetimeStart { return }
            at += headerBytes + fixedBytes + (hasVariable ? Int(tile.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) : 0)
            if start > time { continue }
            let cells = tile + headerBytes
            for i in accumulators.fixed.indices { accumulators.fixed[i].add(cells) }
            if accumulators.variable.count > 0 { addVariable(cells + fixedBytes, accumulators.variable) }
        }
    }

    private func addVariable(_ cells: UnsafeRawPointer, _ variable: UnsafeMutableBufferPointer<VariableAccumulator>) {
        var cell = cells
        for position in view.variableColumns.indices {
            let payload = UnsafeRawBufferPointer(start: cell + 4, count: Int(cell.loadUnaligned(as: UInt32.self)))
            for i in variable.indices where Int(variable[i].column.position) == position { variable[i].add(payload) }
            cell += 4 + payload.count
        }
    }

    private func tileValue(_ finish: ReadPlan.Finish, _ accumulators: Accumulators) -> Value {
        let fixed = accumulators.fixed, variable = accumulators.variable
        switch finish {
        case .count(let i): return .int(Int64(clamping: fixed[i].count))
        case .sum(let i, let scale): return .decimal(units: fixed[i].sum, scale: scale)
        case .mean(let sum, let count, let scale):
            let n = fixed[count].count
            return n == 0 ? .null : .double(nearestDouble(fixed[sum].sum, over: Int128(n) * Int128.powerOfTen(scale)))
        case .vectorMean(let i, let scale):
            return VectorSumCell(variable[i].column).mean(variable[i].payload, unit: Int128.powerOfTen(scale)).map { .list($0) } ?? .null
        case .extreme(let i, let type): return Self.scalar(fixed[i].extreme, type)
        case .first(let i, let type): return Self.scalar(fixed[i].first, type)
        case .firstString(let i): return FirstStringCell.value(variable[i].payload)
        case .distinct(let i): return .int(DistinctCell.value(variable[i].payload))
        case .countMap(let i):
            return .map(MapCell(variable[i].column).value(variable[i].payload) { .int(Int64(clamping: $0)) })
        case .sumMap(let i, let scale):
            return .map(MapCell(variable[i].column).value(variable[i].payload) { .decimal(units: $0, scale: scale) })
        case .topK(let i, let k):
            return .list(MapCell(variable[i].column).top(k, of: variable[i].payload))
        case .deviation(let sum, let count, let squares, let scale):
            return SquaresCell.deviation(
                count: fixed[count].count, sum: fixed[sum].sum, squares: fixed[squares].squares, unit: Int128.powerOfTen(scale)
            ).map { .double($0) } ?? .null
        case .quantile(let i, let q, let scale):
            return QuantileCell(variable[i].column).quantile(q, of: variable[i].payload, unit: Int128.powerOfTen(scale))
                .map { .double($0) } ?? .null
        case .decayed(let i, let scale):
            return DecayCell(variable[i].column).value(variable[i].payload, at: time, unit: Int128.powerOfTen(scale))
                .map { .double($0) } ?? .null
        case .sessionCount(let i): return .int(SessionCell.summary(variable[i].payload).count)
        case .sessionLength(let i):
            let sessions = SessionCell.summary(variable[i].payload)
            return sessions.count == 0 ? .null : .double(nearestDouble(sessions.totalLength, over: Int128(sessions.count) * 1_000_000))
        case .bounceRate(let i):
            let sessions = SessionCell.summary(variable[i].payload)
            return sessions.count == 0 ? .null : .double(Double(sessions.singles) / Double(sessions.count))
        case .timeSinceFirst(let i):
            let first = fixed[i].extreme
            return first == TileColumn.none ? .null : .decimal(units: Int128(time) - Int128(first), scale: 6)
        case .streak(let i): return .int(DayCell.streak(variable[i].payload, at: time))
        case .last, .list, .timeSince: return .null
        }
    }

    private func sequenceValue(_ finish: ReadPlan.Finish, _ sequence: SequenceReader) -> Value {
        switch finish {
        case .last(_, let type): return sequence.first(type) ?? .null
        case .list(_, let n, let distinct, let type): return .list(sequence.list(n: n, distinct: distinct, type))
        case .timeSince:
            guard let newest = sequence.newest else { return .null }
            return .decimal(units: Int128(time - newest), scale: 6)
        default: return .null
        }
    }

    private static func scalar(_ word: Int64, _ type: ReadPlan.Scalar) -> Value {
        word == TileColumn.none ? .null : Value(word, type)
    }
}

extension ReadPlan.Finish {
    /// The sequence column that the value comes from; nil when it comes from tiles.
    var sequence: Int? {
        switch self {
        case .last(let column, _), .list(let column, _, _, _): column
        case .timeSince: 0
        default: nil
        }
    }
}

extension Value {
    init(_ word: Int64, _ type: ReadPlan.Scalar) {
        switch type {
        case .bool: self = .bool(word != 0)
        case .decimal(let scale): self = .decimal(units: Int128(word), scale: scale)
        case .double: self = .double(Double(bitPattern: UInt64(bitPattern: word)))
        case .int, .string, .vector, .doubles: self = .int(word)
        }
    }
}
