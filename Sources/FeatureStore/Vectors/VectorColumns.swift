/// The columns that a vector becomes for a model: a dense matrix of numbers, and one sparse matrix for what has many columns and few values.
///
/// The one place that decides it. Packed answers and packed exports are written with it, so what a model was trained on is what it is served.
///
///     let columns = plan.columns
///     columns.dense                 // columns of the matrix
///     columns.parts[2]              // which feature, from which column on, how many
///     columns.fingerprint           // another number, other columns or other values in them
///
/// Numbers, bools and vectors are columns as they are; other features are where their service declares an encoding, else they have none.
public struct VectorColumns: Sendable {
    public enum Kind: Sendable, Equatable {
        /// Of a bool 0 and 1, of a decimal the double nearest to it, of null NaN.
        case number
        /// A column per element; null is NaN in all of them.
        case vector
        case encoded(FeatureEncoding)
    }

    package struct NumberCell: BitwiseCopyable, Sendable {
        package var feature: Int
        package var column: Int
    }

    /// One feature's columns.
    public struct Part: Sendable {
        /// Index in the vector.
        public let feature: Int
        public let name: String
        public let type: ValueType
        public let kind: Kind
        /// The first of its columns, in the matrix or in the sparse one.
        public let offset: Int
        public let dimension: Int
        public let isSparse: Bool
        /// Of each word its column, counted from `offset`.
        let words: [String: Int]

        /// Of a dense part, a name for each column.
        public var columnNames: [String] {
            switch kind {
            case .number: [name]
            case .vector: (0..<dimension).map { "\(name)[\($0)]" }
            case .encoded: (keyWords ?? []).map { "\(name)=\($0)" }
            }
        }

        /// Of a part with a vocabulary, the word of each column; nil: it has none, or words are hashed.
        public var keyWords: [String]? {
            switch kind {
            case .encoded(.oneHot(let words, let other)), .encoded(.vocabulary(let words, let other, _)):
                words + (other ? [FeatureEncoding.otherWord] : [])
            case .number, .vector, .encoded(.hashed): nil
            }
        }

        /// Whether all that its columns may hold are whole numbers.
        var isWhole: Bool {
            if case .encoded(.oneHot) = kind { return true }
            switch type {
            case .bool, .int, .ranking, .string: return true
            case .decimal(let scale): return scale == 0
            case .double: return false
            case .list(let element): return element == .int || element == .string || element == .decimal(scale: 0)
            case .map(let element): return element == .int || element == .decimal(scale: 0)
            }
        }
    }

    /// In the order of the vector.
    public let parts: [Part]
    /// Of each part its feature's index in the vector.
    public let features: [Int]
    /// Where single numbers come from and go to: trivial, as most vectors consist of them.
    package let numbers: [NumberCell]
    /// The dense parts that are more than a number.
    let wide: [Part]
    /// Columns of the matrix.
    public let dense: Int
    /// Columns of the sparse matrix; 0: there is none.
    public let sparse: Int
    /// Features without columns, with their types.
    public let others: [(name: String, type: ValueType)]
    /// xxHash64 of a line per part: what a column means, and what the service does to its values. docs/API.md has the text.
    public let fingerprint: UInt64

    /// `served`: what the service says of each feature; empty: nothing of any. `dimension`: how many elements the lists of a feature always
    /// have; nil: any number.
    package init(names: [String], types: [ValueType], served: [ServedFeature?], dimension: (Int) -> Int?) {
        var parts: [Part] = []
        var others: [(name: String, type: ValueType)] = []
        var dense = 0, sparse = 0
        var text = ""
        for feature in names.indices {
            let said = feature < served.count ? served[feature] : nil
            let kind: Kind
            let count: Int
            if let encoding = said?.encoding {
                kind = .encoded(encoding)
                count = encoding.dimension
            } else if types[feature].isNumber || types[feature] == .bool {
                kind = .number
                count = 1
            } else if let elements = dimension(feature) {
                kind = .vector
                count = elements
            } else {
                others.append((names[feature], types[feature]))
                continue
            }
            let isSparse = said?.encoding?.isSparse ?? false
            parts.append(Part(
                feature: feature, name: names[feature], type: types[feature], kind: kind, offset: isSparse ? sparse : dense,
                dimension: count, isSparse: isSparse, words: Self.words(kind)))
            if isSparse { sparse += count } else { dense += count }
            text += parts[parts.count - 1].line(said)
        }
        self.parts = parts
        features = parts.map(\.feature)
        numbers = parts.filter { $0.kind == .number }.map { NumberCell(feature: $0.feature, column: $0.offset) }
        wide = parts.filter { $0.kind != .number && !$0.isSparse }
        self.dense = dense
        self.sparse = sparse
        self.others = others
        fingerprint = XXHash64.hash(text: text)
    }

    /// The first feature that may have a fraction; nil: all of it fits in whole numbers.
    public var firstFraction: Part? { parts.first { !$0.isWhole } }

    /// Names of the dense columns, in order.
    public var columnNames: [String] { parts.filter { !$0.isSparse }.flatMap(\.columnNames) }

    private static func words(_ kind: Kind) -> [String: Int] {
        guard case .encoded(let encoding) = kind else { return [:] }
        switch encoding {
        case .oneHot(let words, _), .vocabulary(let words, _, _):
            return Dictionary(words.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        case .hashed: return [:]
        }
    }
}
