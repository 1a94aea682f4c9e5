/// A view, resolved: its levels, its columns and where each cell of a tile lies.
package final class ViewPlan: Sendable {
    package let definition: ViewDefinition
    /// Names the view's section in a row; given once per store and never reused.
    package let id: UInt16
    /// Index into `Definitions.streams`.
    package let stream: Int
    /// Entity keys come before the fields in an event's values.
    package let fieldOffset: Int
    package let filter: Filter?
    /// Whether a row keeps the view's events, and no tiles.
    package let keepsEvents: Bool
    package let levels: Levels
    package let fixedColumns: [TileColumn]
    package let variableColumns: [TileColumn]
    /// The first is always the view's newest event time.
    package let sequences: [SequenceColumn]
    /// Bytes of a tile before its cells: the start, and the length of the variable cells when there are any.
    package let headerBytes: Int
    package let fixedBytes: Int
    /// The field by which the view's events are attributed to those of another stream; nil: they are not.
    let matchField: Int?

    package init(_ definition: ViewDefinition, id: UInt16, stream: Int, in definitions: Definitions) {
        let source = definitions.streams[stream]
        self.definition = definition
        self.id = id
        self.stream = stream
        fieldOffset = source.keys.count
        // The definitions were checked when they loaded, so what they name exists and their expressions compile.
        filter = definition.filter.flatMap { try? Filter.compile($0, fields: source.fields) }
        keepsEvents = definition.keepsEvents
        matchField = Self.matchField(definition, in: source)
        levels = Levels(windows: definition.features.map(\.window), history: definition.history)

        var fixed: [TileColumn] = [], variable: [TileColumn] = []
        var sequences = [SequenceColumn(kind: .times, n: 1)]
        for feature in definition.features {
            let needs = Self.columns(of: feature.aggregation, in: source)
            for var column in needs.tile {
                if column.fixedByteCount != nil {
                    column.position = Int32(fixed.reduce(0) { $0 + $1.fixedByteCount! })
                    if !fixed.contains(where: { $0.isSame(as: column) }) { fixed.append(column) }
                } else if !variable.contains(where: { $0.isSame(as: column) }) {
                    column.position = Int32(variable.count)
                    variable.append(column)
                }
            }
            if let sequence = needs.sequence, !sequences.contains(sequence) { sequences.append(sequence) }
        }
        fixedColumns = fixed
        variableColumns = variable
        self.sequences = sequences
        headerBytes = variable.isEmpty ? 4 : 8
        fixedBytes = fixed.reduce(0) { $0 + $1.fixedByteCount! }
    }

    package var hasTiles: Bool { !fixedColumns.isEmpty || !variableColumns.isEmpty }

    /// The columns that a feature is finished from.
    package static func columns(
        of aggregation: Aggregation, in stream: StreamDefinition
    ) -> (tile: [TileColumn], sequence: SequenceColumn?) {
        func index(_ name: String) -> Int32 { Int32(stream.fields.firstIndex { $0.name == name }!) }
        func isString(_ name: String) -> Bool { stream.fields[Int(index(name))].type == .string }
        func dimension(_ name: String) -> Int? { stream.fields[Int(index(name))].type.dimension }
        switch aggregation {
        case .count(nil), .conversion: return ([TileColumn(kind: .count)], nil)
        case .count(let field?): return ([TileColumn(kind: .countNonNull, field: index(field))], nil)
        case .sum(let field): return ([TileColumn(kind: .sum, field: index(field))], nil)
        case .mean(let field):
            if let dimension = dimension(field) {
                return ([TileColumn(kind: .vectorSum, field: index(field), parameter: Int64(dimension))], nil)
            }
            return ([TileColumn(kind: .sum, field: index(field)), TileColumn(kind: .countNonNull, field: index(field))], nil)
        case .min(let field): return ([TileColumn(kind: .min, field: index(field))], nil)
        case .max(let field): return ([TileColumn(kind: .max, field: index(field))], nil)
        case .first(let field):
            return ([TileColumn(kind: isString(field) ? .firstString : .firstInteger, field: index(field))], nil)
        case .distinctCount(let field): return ([TileColumn(kind: .distinct, field: index(field))], nil)
        case .countBy(let by, let maxKeys):
            return ([TileColumn(kind: .countBy, by: index(by), maxKeys: Int32(maxKeys))], nil)
        case .sumBy(let field, let by, let maxKeys):
            return ([TileColumn(kind: .sumBy, field: index(field), by: index(by), maxKeys: Int32(maxKeys))], nil)
        case .last(let field):
            if let dimension = dimension(field) {
                return ([], SequenceColumn(kind: .strings, field: index(field), n: 1, valueBytes: Int32(8 * dimension)))
            }
            return ([], SequenceColumn(kind: isString(field) ? .strings : .integers, field: index(field), n: 1))
        case .lastN(let field, let n, let distinct):
            let kind: SequenceColumn.Kind = isString(field) ? .strings : .integers
            return ([], SequenceColumn(kind: kind, field: index(field), n: Int32(n), distinct: distinct))
        case .timeSinceLast: return ([], SequenceColumn(kind: .times, n: 1))
        case .deviation(let field):
            return ([
                TileColumn(kind: .sum, field: index(field)), TileColumn(kind: .countNonNull, field: index(field)),
                TileColumn(kind: .squares, field: index(field)),
            ], nil)
        case .percentile(let field, _, let accuracy, let maxBuckets):
            let divisions = QuantileCell.divisions(accuracy: accuracy)
            return ([TileColumn(kind: .quantiles, field: index(field), maxKeys: Int32(maxBuckets), parameter: Int64(divisions))], nil)
        case .topK(let field, _, let maxKeys):
            return ([TileColumn(kind: .countBy, by: index(field), maxKeys: Int32(maxKeys))], nil)
        case .decayedCount(let field, let halfLife):
            return ([TileColumn(kind: .decayedCount, field: field.map(index) ?? -1, parameter: halfLife)], nil)
        case .decayedSum(let field, let halfLife):
            return ([TileColumn(kind: .decayedSum, field: index(field), parameter: halfLife)], nil)
        case .sessionCount(let gap), .sessionLength(let gap), .bounceRate(let gap):
            return ([TileColumn(kind: .sessions, parameter: gap)], nil)
        case .timeSinceFirst: return ([TileColumn(kind: .firstTime)], nil)
        case .streak: return ([TileColumn(kind: .days)], nil)
        }
    }

    package func column(like needed: TileColumn) -> TileColumn {
        (fixedColumns + variableColumns).first { $0.isSame(as: needed) }!
    }

    /// What the state of this view depends on besides the events. A shard whose fingerprint differs cannot be continued.
    package func fingerprint(in definitions: Definitions) -> UInt64 {
        let fields = definitions.streams[stream].fields
        func name(_ field: Int32) -> String { field < 0 ? "" : "\(fields[Int(field)].path):\(fields[Int(field)].type.text)" }
        var text = "\(definition.entity)|\(definition.stream)|\(definition.filter ?? "")|\(definition.history)|\(levels.hasLifetime)"
        for level in levels.levels { text += "|L\(level.hop)/\(level.reach)" }
        for column in fixedColumns + variableColumns {
            text += "|T\(column.kind.rawValue)/\(name(column.field))/\(name(column.by))/\(column.maxKeys)"
            if column.parameter != 0 { text += "/\(column.parameter)" }
        }
        for column in sequences {
            text += "|S\(column.kind.rawValue)/\(name(column.field))/\(column.n)/\(column.distinct)"
        }
        text += eventFingerprint(in: definitions)
        if definitions.entities.contains(where: { $0.name == definition.entity && $0.isSingleton }) { text += "|singleton" }
        return XXHash64.hash(text: text)
    }
}

extension TileColumn {
    /// The same aggregate, wherever its cell lies.
    func isSame(as other: TileColumn) -> Bool {
        kind == other.kind && field == other.field && by == other.by && maxKeys == other.maxKeys && parameter == other.parameter
    }
}
