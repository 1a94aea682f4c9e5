extension Catalog {
    /// What a typical tile's variable cell holds, for estimates.
    private static let typicalValuesPerTile = 3
    private static let typicalStringBytes = 10

    /// For `Definitions.describe`: the bytes of one tile of a view, of its sequences when they are full, of an event. Exact where all has a fixed
    /// size; distinct values and maps are reckoned with three values a tile, strings with ten bytes.
    public static func tileBytes(of definitions: Definitions) -> (ViewDefinition) -> ViewBytes? {
        let catalog = Catalog(definitions)
        return { definition in
            for entity in catalog.entities {
                guard let view = entity.views.first(where: { $0.definition.name == definition.name }) else { continue }
                let variable = view.variableColumns.reduce(0) { $0 + 4 + $1.typicalPayloadBytes(values: Self.typicalValuesPerTile, stringBytes: Self.typicalStringBytes) }
                func event(_ kind: RowFormat.SectionKind) -> Int? {
                    entity.logs.first { $0.kind == kind && $0.id == view.id }?.entryBytes(stringBytes: Self.typicalStringBytes)
                }
                return ViewBytes(
                    tile: view.hasTiles ? view.headerBytes + view.fixedBytes + variable : 0,
                    sequence: 4 + view.sequences.reduce(0) { $0 + 4 + Int($1.n) * Self.entryBytes($1) },
                    event: event(.view), attributedEvent: event(.attribution))
            }
            return nil
        }
    }

    private static func entryBytes(_ column: SequenceColumn) -> Int {
        switch column.kind {
        case .times: 8
        case .integers: 24
        case .strings: 18 + (column.valueBytes > 0 ? Int(column.valueBytes) : typicalStringBytes)
        }
    }
}
