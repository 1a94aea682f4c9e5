internal import NIOPosix

/// An object for each event loop, made when the loop's thread first asks. Only that thread touches it.
package struct PerLoop<Object: AnyObject>: @unchecked Sendable {
    private let ofThread = ThreadSpecificVariable<Object>()
    private let make: () -> Object

    package init(_ make: @escaping () -> Object) { self.make = make }

    /// That of the event loop whose thread this is.
    package var current: Object {
        if let known = ofThread.currentValue { return known }
        let made = make()
        ofThread.currentValue = made
        return made
    }
}
