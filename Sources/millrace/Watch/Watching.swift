internal import FeatureStore
internal import Ingest
internal import Logging
internal import Monitoring
internal import Serving

/// What `serve` watches: inputs always, features where the definitions say so, with a webhook where they name one.
struct Watching: Sendable {
    let inputs: InputWatch
    let features: FeatureWatch?
    let webhooks: WebhookSender?
    private let store: Store

    init(_ store: Store, _ logger: Logger) {
        self.store = store
        inputs = InputWatch(store.definitions)
        guard let settings = store.definitions.monitoring else {
            (features, webhooks) = (nil, nil)
            return
        }
        let sender = settings.webhook.flatMap { url in
            WebhookSender(url: url, token: settings.webhookToken) { reason in
                logger.event("webhook_failed", .error, "an alert could not be delivered to the webhook: \(reason)", ["reason": .string(reason)])
            }
        }
        let log = AlertLog(name: store.definitions.name, logger: logger, webhooks: sender)
        webhooks = sender
        do {
            features = try FeatureWatch(store, settings) { log.take($0) }
        } catch {
            // Monitoring is no reason not to serve.
            logger.event("monitoring_failed", .error, "feature monitoring is off: \(error)", ["reason": .string("\(error)")])
            features = nil
        }
    }

    func start() {
        webhooks?.start()
        features?.start { ThreadPriority.lower(to: 10) }
    }

    /// Blocks until what was observed is written.
    func stop() {
        features?.stop()
        webhooks?.stop()
    }

    var source: WatchSource { WatchSource(inputs, features, store) }

    func families() -> [MetricFamily] {
        WatchMetricFamilies(inputs: inputs, features: features, webhooks: webhooks, store: store).families()
    }
}
