internal import FeatureStore
internal import JSONBytes
internal import Logging
internal import Monitoring

/// What becomes of an alert: a line in the log, and a webhook.
struct AlertLog: Sendable {
    let name: String
    let logger: Logger
    let webhooks: WebhookSender?

    func take(_ notice: FeatureWatch.Notice) {
        switch notice {
        case .failed(let reason):
            logger.event("monitoring_failed", .error, "feature monitoring: \(reason)", ["reason": .string(reason)])
        case .alert(let alert):
            let of = alert.alert
            let hour = JSONWriter.text(time: Int64(of.hour) * .hours(1))
            let isFiring = of.state == .firing
            let text = isFiring
                ? "drift: \(of.entity) \(of.feature): \(of.measure.name) is \(of.value), beyond \(of.threshold), in the hour \"\(hour)\""
                : "drift is over: \(of.entity) \(of.feature): \(of.measure.name)"
            logger.event(
                isFiring ? "drift_firing" : "drift_resolved", isFiring ? .warning : .notice, text,
                [
                    "entity": .string(of.entity), "feature": .string(of.feature), "measure": .string(of.measure.name),
                    "value": .stringConvertible(of.value), "threshold": .stringConvertible(of.threshold), "hour": .string(hour),
                ])
            webhooks?.send(alert.json(name: name))
        }
    }
}
