/// `Schemas/openapi.yaml`, word for word, so that the server carries its own contract. Written by `deploy/embed`;
/// a test compares the two.
package let openAPIDocument = #"""
    openapi: 3.1.0
    info:
      title: Millrace lookup API
      version: "1"
      description: |
        Rolling per-customer features, read as vectors. Every value says whether it is present, missing, stale, defaulted or warming; every
        answer says how fresh it is and which source positions it includes. docs/API.md teaches with examples; the same questions go over
        gRPC as Schemas/millrace/serving/v1/lookup.proto.

        Every error is `application/problem+json` (RFC 9457) with a `remedy`.
    servers:
      - url: http://127.0.0.1:8080
    # Without `access:` in the definitions no credential is needed; docs/SECURITY.md.
    security:
      - {}
      - bearer: []
      - certificate: []
    paths:
      /v1/services:
        get:
          operationId: listServices
          summary: Every feature service with its contract.
          responses:
            "200":
              description: The services, in the order of the definitions.
              content:
                application/json:
                  schema:
                    type: object
                    required: [services]
                    additionalProperties: false
                    properties:
                      services:
                        type: array
                        items: { $ref: "#/components/schemas/Service" }
            "400": { $ref: "#/components/responses/BadRequest" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/TooManyFailures" }
      /v1/services/{service}:
        get:
          operationId: getService
          summary: The contract of one service's vector, names and types in order.
          parameters:
            - { $ref: "#/components/parameters/Service" }
          responses:
            "200":
              description: The contract.
              content:
                application/json:
                  schema: { $ref: "#/components/schemas/Service" }
            "400": { $ref: "#/components/responses/BadRequest" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "404": { $ref: "#/components/responses/NotFound" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/TooManyFailures" }
      /v1/services/{service}/entities/{key}:
        get:
          operationId: lookupOne
          summary: One entity's vector.
          description: An entity that nobody has heard of is a 200 with `found` false and missing or defaulted values.
          parameters:
            - { $ref: "#/components/parameters/Service" }
            - name: key
              in: path
              required: true
              description: The entity key, percent-encoded (a slash is `%2F`; a plus stays a plus); 1 to 480 bytes of UTF-8.
              schema: { type: string, minLength: 1 }
              example: c1
            - name: as_of
              in: query
              description: The time to answer for; now when absent. RFC 3339, or µs since the epoch.
              schema: { type: string }
              example: "2026-01-31T12:00:00Z"
            - name: max_staleness
              in: query
              description: |
                Values of a shard that is further behind are `stale`; what the service declares when absent. A whole number with us, ms,
                s, m, h or d, or µs.
              schema: { type: string }
              example: 5s
            - { $ref: "#/components/parameters/MinPosition" }
            - { $ref: "#/components/parameters/Timeout" }
          responses:
            "200": { $ref: "#/components/responses/Answer" }
            "400": { $ref: "#/components/responses/BadRequest" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "404": { $ref: "#/components/responses/NotFound" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/Overloaded" }
            "500": { $ref: "#/components/responses/StorageError" }
            "503": { $ref: "#/components/responses/ShardUnavailable" }
            "504": { $ref: "#/components/responses/TooLate" }
      /v1/lookup:
        post:
          operationId: lookup
          summary: Many entities at one instant, of a service or of features named one by one.
          parameters:
            - { $ref: "#/components/parameters/Timeout" }
          requestBody:
            required: true
            description: At most `server.max_request_size`, 1 MiB unless that says otherwise. The content type is not looked at.
            content:
              application/json:
                schema: { $ref: "#/components/schemas/LookupRequest" }
                examples:
                  service:
                    value: { service: homepage, keys: [c1, c2] }
                  features:
                    value: { features: [clicks_5m], keys: [c1], as_of: "2026-01-31T12:00:00Z", max_staleness: 5s }
          responses:
            "200": { $ref: "#/components/responses/Answer" }
            "400": { $ref: "#/components/responses/BadRequest" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "404": { $ref: "#/components/responses/NotFound" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "413":
              description: The body is larger than `server.max_request_size`.
              content:
                application/problem+json:
                  schema: { $ref: "#/components/schemas/Problem" }
                  example:
                    type: urn:millrace:problem:body-too-large
                    title: The body is too large
                    status: 413
                    detail: The request is larger than 1048576 bytes, or was cut off.
                    remedy: Split the request into several, or raise server.max_request_size.
            "429": { $ref: "#/components/responses/Overloaded" }
            "500": { $ref: "#/components/responses/StorageError" }
            "503": { $ref: "#/components/responses/ShardUnavailable" }
            "504": { $ref: "#/components/responses/TooLate" }
      /v1/push/{view}:
        post:
          operationId: push
          summary: Values of pushed features; answered when they are durable. docs/PUSH.md.
          parameters:
            - name: view
              in: path
              required: true
              description: An entry under `pushed:`.
              schema: { type: string, minLength: 1 }
              example: churn_model
          requestBody:
            required: true
            description: At most 32 MiB.
            content:
              application/json:
                schema:
                  type: object
                  required: [rows]
                  additionalProperties: false
                  properties:
                    rows:
                      type: array
                      minItems: 1
                      maxItems: 200000
                      items:
                        type: object
                        description: The key, the time (or none, and it is now), and features. A null leaves the feature as it is.
                example: { rows: [{ customer: c1, event_time: 1764547200000000, churn_score: 0.93 }] }
          responses:
            "200":
              description: All rows are durable.
              content:
                application/json:
                  schema:
                    type: object
                    required: [view, rows, min_position, positions]
                    additionalProperties: false
                    properties:
                      view: { type: string }
                      rows: { type: integer, minimum: 1 }
                      min_position: { type: string, description: A lookup with it sees the rows. }
                      positions:
                        type: array
                        description: The newest record in each partition.
                        items:
                          type: object
                          required: [topic, partition, offset]
                          additionalProperties: false
                          properties:
                            topic: { type: string }
                            partition: { type: integer, minimum: 0 }
                            offset: { type: integer, format: int64, minimum: 0 }
                  example:
                    view: churn_model
                    rows: 1
                    min_position: "churn_model/2@17"
                    positions: [{ topic: churn_model, partition: 2, offset: 17 }]
            "400": { $ref: "#/components/responses/BadRequest" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "404": { $ref: "#/components/responses/NotFound" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "413":
              description: More than 32 MiB, or than 200,000 rows.
              content: { application/problem+json: { schema: { $ref: "#/components/schemas/Problem" } } }
            "429": { $ref: "#/components/responses/TooManyFailures" }
            "503":
              description: The brokers did not acknowledge all rows (`not-durable`). Push them again, with the same times.
              content: { application/problem+json: { schema: { $ref: "#/components/schemas/Problem" } } }
      /v1/erase:
        post:
          operationId: erase
          summary: Erases entities, everything that Millrace keeps of them, for good; answered when that is durable. docs/PRIVACY.md.
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [entity, keys]
                  additionalProperties: false
                  properties:
                    entity: { type: string, description: One of `privacy.erasures.entities`. }
                    keys:
                      type: array
                      minItems: 1
                      maxItems: 1000
                      items: { type: string, minLength: 1 }
                example: { entity: customer, keys: [c1] }
          responses:
            "200":
              description: Durable. Where `outcome` is `pending`, a shard has not applied it within 10 s, or is not in this process.
              content:
                application/json:
                  schema: { $ref: "#/components/schemas/ErasureReceipt" }
            "400": { $ref: "#/components/responses/BadRequest" }
            "404": { $ref: "#/components/responses/NotFound" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "503":
              description: The brokers did not acknowledge it (`not-durable`). Send it again, which does no harm.
              content: { application/problem+json: { schema: { $ref: "#/components/schemas/Problem" } } }
      /v1/erasures/{receipt}:
        get:
          operationId: getErasure
          summary: What became of an erasure, as the shards of this process know it.
          parameters:
            - name: receipt
              in: path
              required: true
              description: What an erasure answered.
              schema: { type: string, minLength: 1 }
              example: 5be0d1e4c3b1a0f290b1ff0a53d4b7aa
          responses:
            "200":
              description: The receipt as it stands now.
              content:
                application/json:
                  schema: { $ref: "#/components/schemas/ErasureReceipt" }
            "400": { $ref: "#/components/responses/BadRequest" }
            "404":
              description: No shard of this process has heard of it (`unknown-receipt`).
              content: { application/problem+json: { schema: { $ref: "#/components/schemas/Problem" } } }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "500": { $ref: "#/components/responses/StorageError" }
      /v1/retention:
        get:
          operationId: retention
          summary: How long data is kept, as declared and as found. Reads every row of the process's shards, so ask rarely. docs/PRIVACY.md.
          responses:
            "200":
              description: The report.
              content:
                application/json:
                  schema: { $ref: "#/components/schemas/Retention" }
            "400": { $ref: "#/components/responses/BadRequest" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/Overloaded" }
            "500": { $ref: "#/components/responses/StorageError" }
      /v1/explain/{entity}/{feature}/{key}:
        get:
          operationId: explain
          summary: How the value of one feature of one entity came about.
          description: |
            The value and its status, the window to the microsecond, the tiles or events in it, what was dropped of the entity's events, and
            the source positions. docs/EXPLAIN.md reads an answer line by line.
          parameters:
            - name: entity
              in: path
              required: true
              description: What the key is a key of.
              schema: { type: string, minLength: 1 }
              example: customer
            - name: feature
              in: path
              required: true
              schema: { type: string, minLength: 1 }
              example: clicks_24h
            - name: key
              in: path
              required: true
              description: The entity's key, percent-encoded.
              schema: { type: string, minLength: 1 }
              example: c1
            - name: as_of
              in: query
              description: The time to answer for; now when absent. RFC 3339, or µs since the epoch.
              schema: { type: string }
              example: "2026-01-31T12:00:00Z"
            - name: max_staleness
              in: query
              description: As of a lookup; what the service declares when absent.
              schema: { type: string }
              example: 5s
            - name: service
              in: query
              description: Explains the value as this feature service gives it.
              schema: { type: string }
              example: homepage
            - name: format
              in: query
              description: What is answered; when absent, text if `Accept` names text/plain and no JSON before it, else JSON.
              schema: { type: string, enum: [json, text] }
            - { $ref: "#/components/parameters/Timeout" }
          responses:
            "200":
              description: The explanation; as text for a terminal of 100 columns.
              content:
                application/json:
                  schema: { $ref: "#/components/schemas/Explanation" }
                text/plain:
                  schema: { type: string }
            "400": { $ref: "#/components/responses/BadRequest" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "404": { $ref: "#/components/responses/NotFound" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/Overloaded" }
            "500": { $ref: "#/components/responses/StorageError" }
            "503": { $ref: "#/components/responses/ShardUnavailable" }
            "504": { $ref: "#/components/responses/TooLate" }
      /v1/features:
        get:
          operationId: listFeatures
          summary: Every feature with its definition, window, error bound, bytes and readers; what `millrace describe` prints.
          responses:
            "200":
              description: The definitions that the server runs with.
              content:
                application/json:
                  schema: { $ref: "#/components/schemas/Catalogue" }
            "400": { $ref: "#/components/responses/BadRequest" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/TooManyFailures" }
      /v1/features/{entity}/{feature}:
        get:
          operationId: getFeature
          summary: One feature of an entity.
          parameters:
            - name: entity
              in: path
              required: true
              schema: { type: string, minLength: 1 }
              example: customer
            - name: feature
              in: path
              required: true
              description: Features of different entities may have the same name.
              schema: { type: string, minLength: 1 }
              example: clicks_24h
          responses:
            "200":
              description: The feature.
              content:
                application/json:
                  schema: { $ref: "#/components/schemas/Feature" }
            "400": { $ref: "#/components/responses/BadRequest" }
            "404": { $ref: "#/components/responses/NotFound" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/TooManyFailures" }
      /v1/shards:
        get:
          operationId: listShards
          summary: Where each shard of this process stands.
          responses:
            "200":
              description: The shards, by number.
              content:
                application/json:
                  schema:
                    type: object
                    required: [assigned, shards]
                    additionalProperties: false
                    properties:
                      assigned:
                        type: boolean
                        description: False until the consumer group has told this process which shards it serves.
                      shards:
                        type: array
                        items: { $ref: "#/components/schemas/Shard" }
                  example:
                    assigned: true
                    shards:
                      - shard: 0
                        state: open
                        reason: null
                        lag_events: 2
                        freshness_ms: 12.5
                        rows: 7
                        map_bytes: 67108864
                        used_bytes: 4096
                        positions:
                          - { topic: clicks, partition: 0, offset: 12, end: 14 }
            "400": { $ref: "#/components/responses/BadRequest" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/TooManyFailures" }
      /v1/monitoring:
        get:
          operationId: getMonitoring
          summary: How the values of the features are, hour by hour, and which of them have drifted; docs/MONITORING.md explains each member.
          responses:
            "200":
              description: All watched features and the alerts. With monitoring off, `enabled` is false and both lists are empty.
              content:
                application/json:
                  schema:
                    type: object
                    required: [enabled, features, alerts]
                    properties:
                      enabled: { type: boolean }
                      features: { type: array, items: { type: object, required: [entity, feature, type, state, hour, summary, comparison, measures] } }
                      alerts: { type: array, items: { type: object, required: [entity, feature, measure, value, threshold, hour, since, state] } }
                  example: { enabled: false, features: [], alerts: [] }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/Overloaded" }
            "500": { $ref: "#/components/responses/StorageError" }
      /v1/monitoring/{feature}:
        get:
          operationId: getMonitoredFeature
          summary: One feature with its hours, for plots.
          parameters:
            - { name: feature, in: path, required: true, schema: { type: string, minLength: 1 }, example: clicks_1h }
            - { name: entity, in: query, description: Whose feature, where several entities have one of this name., schema: { type: string, minLength: 1 } }
            - { name: hours, in: query, description: How far back., schema: { type: integer, minimum: 1, maximum: 1344, default: 168 } }
          responses:
            "200":
              description: The feature as in `/v1/monitoring`, with the bins of its newest hour and the series of its hours.
              content:
                application/json:
                  schema:
                    type: object
                    required: [entity, feature, type, state, hour, summary, comparison, measures, histogram, series]
            "400": { $ref: "#/components/responses/BadRequest" }
            "404": { $ref: "#/components/responses/NotFound" }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/Overloaded" }
            "500": { $ref: "#/components/responses/StorageError" }
      /v1/contracts:
        get:
          operationId: getContracts
          summary: What is expected of the streams' fields and volumes, and what broke it, with examples.
          responses:
            "200":
              description: The streams of which anything is expected.
              content:
                application/json:
                  schema:
                    type: object
                    required: [streams]
                    properties:
                      streams: { type: array, items: { type: object, required: [stream, topic, volume, fields, examples] } }
                  example: { streams: [] }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/Overloaded" }
      /v1/drops:
        get:
          operationId: getDrops
          summary: Which records were dropped lately, by stream and reason, and where they lie.
          responses:
            "200":
              description: The streams and reasons that anything was dropped for.
              content:
                application/json:
                  schema:
                    type: object
                    required: [drops]
                    properties:
                      drops: { type: array, items: { type: object, required: [stream, topic, reason, count, dead_letter_topic, examples] } }
                  example: { drops: [] }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/Overloaded" }
      /get-online-features:
        post:
          operationId: getOnlineFeatures
          summary: Features as Feast's SDK asks for them; docs/FEAST.md.
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [entities]
                  properties:
                    entities:
                      description: Columns of keys by entity, all as long as one another.
                      type: object
                      additionalProperties: { type: array, items: { type: [string, integer, boolean] } }
                    features: { type: [array, "null"], items: { type: string, description: "`view:feature`" } }
                    feature_service: { type: [string, "null"], description: Not empty, it wins over `features`. }
                    full_feature_names: { type: boolean, default: false }
                    include_feature_view_version_metadata: { type: boolean, default: false }
                example: { entities: { customer: [c1, c2] }, features: ["customer_clicks:clicks_24h"] }
          responses:
            "200":
              description: Columns, the keys first, then the features in the order of the request.
              content:
                application/json:
                  schema:
                    type: object
                    required: [results, metadata]
                    properties:
                      results:
                        type: array
                        items:
                          type: object
                          required: [values, statuses, event_timestamps]
                          properties:
                            values: { type: array }
                            statuses: { type: array, items: { type: string, enum: [PRESENT, NULL_VALUE, NOT_FOUND, OUTSIDE_MAX_AGE] } }
                            event_timestamps: { type: array, items: { type: string, format: date-time } }
                      metadata:
                        type: object
                        required: [feature_names]
                        properties:
                          feature_names: { type: array, items: { type: string } }
                          feature_view_metadata:
                            type: array
                            items: { type: object, required: [name], properties: { name: { type: string } } }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "404": { description: An unknown view or service; a string that holds Feast's exception as JSON., content: { application/json: { schema: { type: string } } } }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "413": { description: The body is larger than `server.max_request_size`. }
            "422": { description: "A mistake: a sentence, Feast's exception, or `detail` with its place in the body.", content: { application/json: { schema: { type: [string, object] } } } }
            "429": { $ref: "#/components/responses/Overloaded" }
            "500": { description: The store could not be read; a sentence., content: { application/json: { schema: { type: string } } } }
            "503": { description: A shard is not served here; a sentence., content: { application/json: { schema: { type: string } } } }
            "504": { $ref: "#/components/responses/TooLate" }
      /push:
        post:
          operationId: feastPush
          summary: Pushed features as Feast's clients write them; docs/FEAST.md.
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [push_source_name, df]
                  properties:
                    push_source_name: { type: string, description: An entry under `pushed:`. }
                    df:
                      description: Columns as long as one another, the join key among them.
                      type: object
                      additionalProperties: { type: array }
                    to: { type: string, enum: [online, online_and_offline] }
                example: { push_source_name: churn_model, df: { customer: [c1], churn_score: [0.93], event_timestamp: ["2025-12-01T00:00:00"] } }
          responses:
            "200": { description: The rows are durable., content: { application/json: { schema: { type: "null" } } } }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "404": { description: An unknown view; a string that holds Feast's exception as JSON., content: { application/json: { schema: { type: string } } } }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "413": { description: The body is larger than 32 MiB. }
            "422": { description: "A mistake: a sentence, or `detail` with its place in the body.", content: { application/json: { schema: { type: [string, object] } } } }
            "429": { $ref: "#/components/responses/TooManyFailures" }
            "503": { description: The brokers did not acknowledge all rows; a sentence., content: { application/json: { schema: { type: string } } } }
      /write-to-online-store:
        post:
          operationId: feastWrite
          summary: The same, as Feast's `write_to_online_store` asks.
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [feature_view_name, df]
                  properties:
                    feature_view_name: { type: string, description: An entry under `pushed:`. }
                    df: { type: object, additionalProperties: { type: array } }
                example: { feature_view_name: churn_model, df: { customer: [c1], churn_score: [0.93], event_timestamp: ["2025-12-01T00:00:00"] } }
          responses:
            "200": { description: The rows are durable., content: { application/json: { schema: { type: "null" } } } }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "404": { description: An unknown view; a string that holds Feast's exception as JSON., content: { application/json: { schema: { type: string } } } }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "413": { description: The body is larger than 32 MiB. }
            "422": { description: "A mistake: a sentence, or `detail` with its place in the body.", content: { application/json: { schema: { type: [string, object] } } } }
            "429": { $ref: "#/components/responses/TooManyFailures" }
            "503": { description: The brokers did not acknowledge all rows; a sentence., content: { application/json: { schema: { type: string } } } }
      /healthz:
        get:
          security: []
          operationId: health
          summary: Whether the process answers at all; for liveness probes.
          responses:
            "200":
              description: It does.
              content:
                text/plain:
                  schema: { type: string }
                  example: "ok\n"
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
      /readyz:
        get:
          security: []
          operationId: readiness
          summary: Whether it should get traffic; for readiness probes.
          description: Ready when shards are assigned, none is stopped, and each is known to be at most `server.ready_lag` behind.
          responses:
            "200":
              description: Ready.
              content:
                application/json:
                  schema: { $ref: "#/components/schemas/Readiness" }
                  example: { ready: true, missing: [] }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "503":
              description: Not ready; `missing` says why.
              content:
                application/json:
                  schema: { $ref: "#/components/schemas/Readiness" }
                  example: { ready: false, missing: ["Shard 2 is 48211 events behind; ready at 10000 (server.ready_lag)."] }
      /metrics:
        get:
          operationId: metrics
          summary: Metrics in the Prometheus text format, version 0.0.4.
          responses:
            "200":
              description: All families, each with its help.
              content:
                text/plain:
                  schema: { type: string }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/TooManyFailures" }
      /console:
        get:
          operationId: console
          summary: The web console; docs/CONSOLE.md. Its files have addresses of their own below this one, which name their contents.
          security: []
          responses:
            "200":
              description: The page.
              content:
                text/html:
                  schema: { type: string }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
      /openapi.yaml:
        get:
          operationId: openapi
          summary: This document.
          responses:
            "200":
              description: This document.
              content:
                application/yaml:
                  schema: { type: string }
            "401": { $ref: "#/components/responses/Unauthenticated" }
            "403": { $ref: "#/components/responses/NotPermitted" }
            "405": { $ref: "#/components/responses/MethodNotAllowed" }
            "429": { $ref: "#/components/responses/TooManyFailures" }
    components:
      securitySchemes:
        bearer:
          type: http
          scheme: bearer
          description: A token of a principal (`millrace token`), or a JWT of the issuer that the definitions name.
        certificate:
          type: mutualTLS
          description: A client certificate that names a principal.
      parameters:
        Service:
          name: service
          in: path
          required: true
          description: Name of a feature service.
          schema: { type: string, minLength: 1 }
          example: homepage
        MinPosition:
          name: min_position
          in: query
          description: What a push answered; the lookup waits until those records are applied, 2 s at most (503 then).
          schema: { type: string, minLength: 1 }
        Timeout:
          name: Millrace-Timeout-Ms
          in: header
          description: How long the sender waits. A request that has waited longer before it is begun is answered with 504.
          schema: { type: integer, minimum: 1 }
          example: 50
      responses:
        Answer:
          description: The vectors; as a packed matrix of numbers when `Accept` names that type, docs/API.md has the bytes.
          content:
            application/vnd.millrace.packed:
              schema: { type: string, format: binary }
            application/json:
              schema: { $ref: "#/components/schemas/Answer" }
              example:
                service: homepage
                version: 1
                entity: customer
                as_of: "2026-01-31T12:00:00.000000Z"
                freshness_ms: 12
                features: [clicks_5m, spend_1h, last_category]
                results:
                  - key: c1
                    found: true
                    values: [5, 12.34, shoes]
                    statuses: [present, present, stale]
                    newest_event_times: ["2026-01-31T11:59:58.250000Z", "2026-01-31T11:20:00.000000Z", "2026-01-30T08:00:00.000000Z"]
                  - key: nobody
                    found: false
                    values: [0, null, null]
                    statuses: [defaulted, missing, missing]
                    newest_event_times: [null, null, null]
                positions:
                  - { topic: clicks, partition: 0, offset: 12, end: 12 }
        BadRequest:
          description: |
            The request cannot be answered as it is: a parameter, member or key is wrong (`bad-request`, `bad-json` with the byte position,
            `bad-key`), there are too many keys (`too-many-keys`), or features of different entities (`mixed-entities`).
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
              example:
                type: urn:millrace:problem:bad-request
                title: The request is not valid
                status: 400
                detail: There is no parameter "asof" here.
                remedy: Did you mean "as_of"? Parameters are as_of, max_staleness.
        NotFound:
          description: No such service (`unknown-service`), feature (`unknown-feature`), entity (`unknown-entity`) or path (`unknown-path`).
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
              example:
                type: urn:millrace:problem:unknown-service
                title: No such feature service
                status: 404
                detail: There is no service "homepag".
                remedy: "Did you mean \"homepage\"? Known services: checkout, homepage."
        Unauthenticated:
          description: There is no credential, or it is wrong or has expired (`unauthenticated`). Only where the definitions have `access:`.
          headers:
            WWW-Authenticate:
              description: The scheme.
              schema: { type: string }
              example: Bearer realm="millrace"
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
              example:
                type: urn:millrace:problem:unauthenticated
                title: A credential is needed
                status: 401
                detail: The request has no credential.
                remedy: "Send `Authorization: Bearer TOKEN` with the token of a principal in `access:`, or show its client certificate (docs/SECURITY.md)."
        NotPermitted:
          description: The principal may not do this (`permission-denied`).
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
              example:
                type: urn:millrace:problem:permission-denied
                title: Not permitted
                status: 403
                detail: Principal "homepage" may not push to "churn_model".
                remedy: "Whoever keeps the definitions can allow it: `push: [churn_model]` under `access.principals` (docs/SECURITY.md)."
        TooManyFailures:
          description: Too many wrong credentials came from this address (`too-many-failures`).
          headers:
            Retry-After:
              description: Seconds until its credentials are looked at again.
              schema: { type: integer }
              example: 31
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
        MethodNotAllowed:
          description: The path does not take this method (`method-not-allowed`).
          headers:
            Allow:
              description: The methods it takes.
              schema: { type: string }
              example: GET, HEAD
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
              example:
                type: urn:millrace:problem:method-not-allowed
                title: Method not allowed
                status: 405
                detail: This path does not take PUT.
                remedy: Use GET, HEAD.
        StorageError:
          description: The store could not be read (`storage`).
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
              example:
                type: urn:millrace:problem:storage
                title: The store could not be read
                status: 500
                detail: "LMDB (key \"c1\"): MDB_CORRUPTED: Located page was wrong type"
                remedy: See the server's log; GET /v1/shards shows which shards are open.
        ShardUnavailable:
          description: The shard of a key is not served by this process, or not yet (`shard-unavailable`).
          headers:
            Retry-After:
              description: Seconds.
              schema: { type: integer }
              example: 1
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
              example:
                type: urn:millrace:problem:shard-unavailable
                title: The shard of a key is not served here
                status: 503
                detail: "Shard 3 (key \"c1\"): not assigned to this process."
                remedy: Try again in a second, or ask the process that serves this shard; GET /v1/shards shows which are served here.
        Overloaded:
          description: Refused to answer others in time (`overloaded`; large requests first), or too many wrong credentials came from this address (`too-many-failures`).
          headers:
            Retry-After:
              description: Seconds.
              schema: { type: integer }
              example: 1
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
              example:
                type: urn:millrace:problem:overloaded
                title: The server has too much to do
                status: 429
                detail: "Not answered: requests wait too long for their turn."
                remedy: Try again in a second, at growing intervals; add processes when it goes on.
        TooLate:
          description: The time that `Millrace-Timeout-Ms` gives was over before the request was begun (`deadline-exceeded`).
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
              example:
                type: urn:millrace:problem:deadline-exceeded
                title: The answer comes too late
                status: 504
                detail: The request waited longer than its sender does.
                remedy: Allow more time, or ask for fewer keys.
      schemas:
        LookupRequest:
          type: object
          description: Exactly one of `service` and `features`. Other members are errors.
          required: [keys]
          additionalProperties: false
          oneOf:
            - required: [service]
              properties: { service: { type: string }, features: { type: "null" } }
            - required: [features]
              properties: { features: { type: array }, service: { type: "null" } }
          properties:
            service:
              type: [string, "null"]
            features:
              type: [array, "null"]
              description: Names, all of the same entity.
              items: { type: string }
              minItems: 1
              maxItems: 1000
            keys:
              type: array
              description: At most `server.max_keys_per_request` of them (1,000 unless configured).
              items: { type: string, minLength: 1 }
              minItems: 1
            as_of:
              description: The time to answer for; now when absent. RFC 3339, or µs since the epoch.
              oneOf:
                - { type: string }
                - { type: integer, format: int64, minimum: 0, maximum: 253402300799999999 }
                - { type: "null" }
            max_staleness:
              description: As in the query of a GET; µs when an integer.
              oneOf:
                - { type: string }
                - { type: integer, format: int64, minimum: 0 }
                - { type: "null" }
            min_position:
              description: What a push answered; the lookup waits until those records are applied.
              type: [string, "null"]
            inputs:
              type: [object, "null"]
              description: What the request brings with it, by the names of the service's inputs; the same for all keys.
              maxProperties: 1000
              additionalProperties: { type: [string, number, boolean, "null"] }
              examples: [{ basket_value: 59.9, device: mobile }]
        Explanation:
          type: object
          required: [entity, key, service, version, as_of, found, feature, inputs, shards]
          additionalProperties: false
          properties:
            entity: { type: string }
            key: { type: string }
            service: { type: [string, "null"] }
            version: { type: [integer, "null"] }
            as_of: { type: string, format: date-time }
            found: { type: boolean }
            feature: { $ref: "#/components/schemas/ExplainedFeature" }
            inputs:
              type: array
              description: What a derived feature is computed from, and what that is, each once.
              items: { $ref: "#/components/schemas/ExplainedFeature" }
            shards:
              type: array
              description: Those that were read.
              items:
                type: object
                required: [shard, state, row_bytes, dropped, lag_events, freshness_ms, positions]
                additionalProperties: false
                properties:
                  shard: { type: integer }
                  state: { type: string, enum: [open, disconnected, stopped] }
                  row_bytes:
                    type: [integer, "null"]
                    description: Null when the shard has no row of the entity.
                  dropped:
                    type: array
                    description: Events of this row that were not applied, by stream.
                    items:
                      type: object
                      required: [stream, duplicate, late, future]
                      additionalProperties: false
                      properties:
                        stream: { type: string }
                        duplicate: { type: integer }
                        late: { type: integer }
                        future: { type: integer }
                  lag_events: { type: [integer, "null"] }
                  freshness_ms: { type: [number, "null"] }
                  positions:
                    type: array
                    items: { $ref: "#/components/schemas/SourcePosition" }
        Retention:
          type: object
          required: [time, kept, shards, rows, damaged_rows, parts, ages]
          additionalProperties: false
          properties:
            time: { type: string, format: date-time }
            kept: { type: boolean, description: Nothing is kept longer than declared, and every row could be read. }
            shards: { type: integer }
            rows: { type: integer }
            damaged_rows: { type: integer }
            parts:
              type: array
              items:
                type: object
                required: [entity, kind, name, declared_ms, rows, oldest, longest_ms, violations, prunable_rows]
                additionalProperties: false
                properties:
                  entity: { type: string }
                  kind: { type: string, enum: [view, attribution, ids, retractions] }
                  name: { type: string, description: "The view's, or the stream's." }
                  declared_ms: { type: [number, "null"], description: "The furthest before its row's newest event that anything may be; null: no bound (lifetime windows)." }
                  rows: { type: integer }
                  oldest: { type: [string, "null"], format: date-time }
                  longest_ms: { type: number, description: The furthest before its row's newest event that something was found. }
                  violations: { type: integer, description: Rows with something older than declared. }
                  prunable_rows: { type: integer, description: Rows of which something would be dropped if their next event came now. }
            ages:
              type: array
              items:
                type: object
                required: [entity, rows]
                additionalProperties: false
                properties:
                  entity: { type: string }
                  rows:
                    type: array
                    items:
                      type: object
                      required: [newest_event_within_ms, rows]
                      additionalProperties: false
                      properties:
                        newest_event_within_ms: { type: [number, "null"] }
                        rows: { type: integer }
        ErasureReceipt:
          type: object
          required: [receipt, entity, time, outcome, pseudonyms, shards, missing]
          additionalProperties: false
          properties:
            receipt: { type: string }
            entity: { type: string }
            time: { type: string, format: date-time }
            outcome:
              type: string
              enum: [pending, erased, purged]
              description: "`erased`: no lookup sees the entities any more; `purged`: their bytes are gone from the files, too."
            pseudonyms:
              type: array
              description: What stands for the keys, 32 hexadecimal digits each, not in their order.
              items: { type: string }
            shards:
              type: array
              items:
                type: object
                required: [shard, erased, purged]
                additionalProperties: false
                properties:
                  shard: { type: integer }
                  erased: { type: integer, description: Entities of the receipt that are erased there. }
                  purged: { type: boolean }
            missing:
              type: array
              description: Shards that have not applied all of it, or are not in this process.
              items: { type: integer }
            min_position: { type: string }
            positions:
              type: array
              description: In the answer to the erasure, where it is in its topic.
              items:
                type: object
                required: [topic, partition, offset]
                additionalProperties: false
                properties:
                  topic: { type: string }
                  partition: { type: integer, minimum: 0 }
                  offset: { type: integer, format: int64, minimum: 0 }
          example:
            receipt: 5be0d1e4c3b1a0f290b1ff0a53d4b7aa
            entity: customer
            time: "2026-01-31T12:00:00.000000Z"
            outcome: erased
            pseudonyms: [a3817f04ba25a8e66df67214c7550293]
            shards: [{ shard: 0, erased: 1, purged: false }]
            missing: []
        ExplainedFeature:
          type: object
          description: Exactly one of `view`, `derived` and `input`.
          required: [name, type, value, status, newest_event_time, reason, default, ttl_ms]
          additionalProperties: false
          properties:
            name: { type: string }
            type: { type: string }
            value:
              description: What a lookup answers.
            status: { type: string, enum: [present, missing, stale, defaulted, warming] }
            newest_event_time: { type: [string, "null"], format: date-time }
            reason:
              type: string
              description: Why the status is what it is.
            default:
              description: The declared default; null when there is none.
            ttl_ms: { type: [number, "null"] }
            derived:
              type: object
              required: [expression, inputs]
              additionalProperties: false
              properties:
                expression: { type: string }
                inputs:
                  type: array
                  items: { type: string }
            input:
              type: boolean
              description: True of what comes with a request.
            view: { $ref: "#/components/schemas/ExplainedView" }
        ExplainedView:
          type: object
          required: [name, stream, where, aggregation, in_words, view_fingerprint, stream_fingerprint, history_ms, window, rows]
          additionalProperties: false
          properties:
            name: { type: string }
            stream: { type: string }
            where: { type: [string, "null"] }
            aggregation: { type: string, examples: [sum(price)] }
            in_words: { type: string }
            view_fingerprint:
              type: string
              description: Of what the stored bytes depend on, 16 hexadecimal digits.
            stream_fingerprint: { type: string }
            history_ms: { type: number }
            window:
              type: object
              required: [name, left, right, hop_ms, bound, longer_by_ms]
              additionalProperties: false
              properties:
                name: { type: string, examples: [24h] }
                left:
                  type: [string, "null"]
                  format: date-time
                  description: The oldest event time in it; null when all belong.
                right: { type: string, format: date-time }
                hop_ms: { type: [number, "null"] }
                bound:
                  type: string
                  description: How much longer than named it may be.
                longer_by_ms: { type: [number, "null"] }
            rows:
              type: array
              description: Of each shard that has one.
              items: { $ref: "#/components/schemas/ExplainedRow" }
        ExplainedRow:
          type: object
          description: |
            With `tiles` and what goes with them, or `entries` (of aggregations that read the newest events), or `events` and what goes with them (of
            views that keep events).
          required: [shard, stream_newest_event_time, id_floor, remembered_ids, complete_since, value, status, newest_event_time, is_window_kept]
          additionalProperties: false
          properties:
            shard: { type: integer }
            stream_newest_event_time: { type: [string, "null"], format: date-time }
            id_floor:
              type: [string, "null"]
              format: date-time
              description: Earlier events are late, because there were too many ids.
            remembered_ids: { type: integer }
            complete_since:
              type: [string, "null"]
              format: date-time
              description: From when on the shard has seen every event of the view; null from the beginning.
            value:
              description: What a lookup of this row alone would answer.
            status: { type: string }
            newest_event_time: { type: [string, "null"], format: date-time }
            is_window_kept: { type: boolean }
            tiles:
              type: array
              description: Those in the window, newest first, each with the feature finished from it alone.
              items: { $ref: "#/components/schemas/ExplainedTile" }
            left_out_tiles:
              type: array
              description: The next ones behind the left edge, at most two.
              items: { $ref: "#/components/schemas/ExplainedTile" }
            older_tiles: { type: integer }
            newer_tiles: { type: integer }
            entries:
              type: array
              items:
                type: object
                required: [time, value]
                additionalProperties: false
                properties:
                  time: { type: string, format: date-time }
                  value: { }
            events:
              type: array
              items:
                type: object
                required: [time, id, standing, fields]
                additionalProperties: false
                properties:
                  time: { type: string, format: date-time }
                  id: { type: string }
                  standing: { type: string, enum: [counts, retracted, unattributed] }
                  fields: { type: object }
            older_events: { type: integer }
            newer_events: { type: integer }
            cut: { type: [string, "null"], format: date-time }
            attribution:
              type: [object, "null"]
              required: [stream, within_ms, stream_newest_event_time, kept_events, cut]
              additionalProperties: false
              properties:
                stream: { type: string }
                within_ms: { type: number }
                stream_newest_event_time: { type: [string, "null"], format: date-time }
                kept_events: { type: integer }
                cut: { type: [string, "null"], format: date-time }
        ExplainedTile:
          type: object
          required: [start, end, partial]
          additionalProperties: false
          properties:
            start:
              type: [string, "null"]
              format: date-time
              description: Null of the tile of all that is older than `end`.
            end: { type: [string, "null"], format: date-time }
            partial: { }
        Answer:
          type: object
          required: [service, version, entity, as_of, freshness_ms, features, results, positions]
          additionalProperties: false
          properties:
            service:
              type: [string, "null"]
              description: Null when features were named one by one.
            version:
              type: [integer, "null"]
            entity:
              type: string
            as_of:
              type: string
              format: date-time
            freshness_ms:
              type: [number, "null"]
              description: |
                How old the newest state is in the furthest-behind shard that was read; 0 when caught up. Null while such a shard has not applied
                its first record.
            features:
              type: array
              description: Names of the values, in order.
              items: { type: string }
            results:
              type: array
              description: One per key, in the order of the request.
              items: { $ref: "#/components/schemas/Result" }
            positions:
              type: array
              description: "Of the shards that were read: everything before `offset` is in the values."
              items: { $ref: "#/components/schemas/SourcePosition" }
        Result:
          type: object
          description: |
            The arrays have one element per feature. `levels` is there when the service falls back, `age_ms` when values may be kept ones.
          required: [key, found, values, statuses, newest_event_times]
          additionalProperties: false
          properties:
            key:
              type: string
            found:
              type: boolean
              description: False when no event of this entity was ever applied.
            values:
              type: array
              items: { $ref: "#/components/schemas/Value" }
            statuses:
              type: array
              items: { $ref: "#/components/schemas/Status" }
            newest_event_times:
              type: array
              description: Event time of the newest event that the feature's view has of this entity.
              items:
                type: [string, "null"]
                format: date-time
            levels:
              type: array
              description: The service's entity, a level that it falls back to, `default`, or null where there is no value.
              items: { type: [string, "null"] }
            age_ms:
              type: number
              description: How long ago the oldest value was read; 0 when all were read for this request.
        Value:
          description: |
            Decimals are numbers written with every digit: read them with a decimal parser where that matters (`json.loads(text,
            parse_float=Decimal)`). Lists are arrays, maps are objects.
          type: [boolean, number, string, array, object, "null"]
        Status:
          type: string
          enum: [present, missing, stale, defaulted, warming, fallback, overdue]
          description: |
            `present`: computed of this entity's events. `missing`: no value. `stale`: a value, but older than the feature's ttl, or of a
            shard further behind than max_staleness. `defaulted`: no value, the declared default is given. `warming`: the feature is
            younger than its window. `fallback`: another entity's value. `overdue`: not read before the service's deadline.
        Service:
          type: object
          required: [service, version, entity, description, max_staleness_ms, features, inputs, packed]
          additionalProperties: false
          properties:
            service: { type: string }
            version: { type: integer }
            entity: { type: string }
            description: { type: string }
            max_staleness_ms: { type: [number, "null"] }
            features:
              type: array
              items:
                type: object
                required: [name, type]
                additionalProperties: false
                properties:
                  name: { type: string }
                  tags: { type: array, items: { type: string }, description: "What is said of the feature, as `pii`; only where something is, as the next two." }
                  owner: { type: string }
                  purpose: { type: string }
                  type:
                    type: string
                    description: bool, int64, double, string, decimal(scale), list<type> or map<string, type>.
            inputs:
              type: array
              description: What requests may bring with them.
              items:
                type: object
                required: [name, type, default]
                additionalProperties: false
                properties:
                  name: { type: string }
                  type: { type: string }
                  default: { description: Null when there is none. }
            packed:
              description: Of packed answers, the schema's fingerprint, the features whose statuses they have, and the columns.
              type: object
              required: [schema, features, columns, sparse]
              additionalProperties: false
              properties:
                schema: { type: string, pattern: "^[0-9a-f]{16}$" }
                features: { type: array, items: { type: string } }
                columns:
                  type: array
                  description: Names of the dense columns, in order.
                  items: { type: string }
                sparse:
                  description: Null when there is no sparse matrix.
                  type: [object, "null"]
                  required: [dimension, features]
                  additionalProperties: false
                  properties:
                    dimension: { type: integer }
                    features:
                      type: array
                      items:
                        type: object
                        required: [name, offset, dimension, vocabulary]
                        additionalProperties: false
                        properties:
                          name: { type: string }
                          offset: { type: integer, description: Its first column. }
                          dimension: { type: integer }
                          vocabulary:
                            description: The word of each column; null when words are hashed.
                            type: [array, "null"]
                            items: { type: string }
          example:
            service: homepage
            version: 1
            entity: customer
            description: What the home page's model reads.
            max_staleness_ms: 5000
            features:
              - { name: clicks_5m, type: int64 }
              - { name: spend_1h, type: decimal(6) }
            inputs: []
            packed: { schema: "7c0d7e21b0a3f6d4", features: [clicks_5m, spend_1h], columns: [clicks_5m, spend_1h], sparse: null }
        Catalogue:
          type: object
          required: [name, entities, streams, features, inputs]
          additionalProperties: false
          properties:
            name: { type: string, description: Of the definitions. }
            entities:
              type: array
              items:
                type: object
                required: [name, description, singleton]
                additionalProperties: false
                properties:
                  name: { type: string }
                  description: { type: string }
                  singleton: { type: boolean }
            streams:
              type: array
              items:
                type: object
                required: [name, topic, dead_letter_topic, format, keys, id, allowed_lateness_ms, max_clock_skew_ms, partitioned]
                additionalProperties: false
                properties:
                  name: { type: string }
                  topic: { type: string }
                  dead_letter_topic: { type: [string, "null"] }
                  format: { type: string, description: "`json`, or `protobuf` and the message." }
                  keys:
                    type: array
                    items:
                      type: object
                      required: [entity, path]
                      additionalProperties: false
                      properties: { entity: { type: string }, path: { type: string } }
                  id: { type: [string, "null"], description: The path of the event id; null when duplicates are not found. }
                  allowed_lateness_ms: { type: [number, "null"], description: Null without ids; then any event that a kept tile can hold is taken. }
                  max_clock_skew_ms: { type: number }
                  partitioned: { type: boolean }
            features:
              type: array
              items: { $ref: "#/components/schemas/Feature" }
            inputs:
              type: array
              items:
                type: object
                required: [name, type, description, default]
                additionalProperties: false
                properties:
                  name: { type: string }
                  type: { type: string }
                  description: { type: string }
                  default: { $ref: "#/components/schemas/Value" }
        Feature:
          type: object
          required: [name, entity, type, description, default, kind, view, derived, used_by]
          additionalProperties: false
          properties:
            name: { type: string }
            entity: { type: string }
            type: { type: string }
            description: { type: string }
            tags: { type: array, items: { type: string }, description: "What is said of the feature, as `pii`; only where something is, as the next two." }
            owner: { type: string }
            purpose: { type: string }
            default: { $ref: "#/components/schemas/Value" }
            kind: { type: string, enum: [view, derived, pushed] }
            view:
              type: [object, "null"]
              description: Null of a derived feature.
              required: [name, stream, where, aggregation, in_words, window, ttl_ms, history_ms, keeps, max_events, bytes]
              additionalProperties: false
              properties:
                name: { type: string }
                stream: { type: string }
                where: { type: [string, "null"] }
                aggregation: { type: string }
                in_words: { type: string }
                window:
                  type: object
                  required: [name, kind, length_ms, hop_ms, bound]
                  additionalProperties: false
                  properties:
                    name: { type: string }
                    kind: { type: string, enum: [sliding, calendar, lifetime] }
                    length_ms: { type: [number, "null"] }
                    hop_ms: { type: [number, "null"], description: The left edge is a multiple of it; null when it is exact. }
                    bound: { type: string, description: How much longer than its length the window may be. }
                ttl_ms: { type: [number, "null"] }
                history_ms: { type: number }
                keeps: { type: string, enum: [tiles, events] }
                max_events: { type: [integer, "null"] }
                bytes:
                  type: [object, "null"]
                  description: What the view costs in a row, all its features together; an estimate where strings and maps are kept.
                  required: [tile, sequences, event, attributed_event]
                  additionalProperties: false
                  properties:
                    tile: { type: integer, description: One tile that is not empty. }
                    sequences: { type: integer, description: The newest values that are kept once a row. }
                    event: { type: [integer, "null"] }
                    attributed_event: { type: [integer, "null"] }
            derived:
              type: [object, "null"]
              required: [expression, inputs]
              additionalProperties: false
              properties:
                expression: { type: string }
                inputs: { type: array, items: { type: string } }
            used_by:
              type: object
              required: [services, features]
              additionalProperties: false
              properties:
                services:
                  type: array
                  items:
                    type: object
                    required: [name, version, as]
                    additionalProperties: false
                    properties:
                      name: { type: string }
                      version: { type: integer }
                      as: { type: string, enum: [value, fallback] }
                features: { type: array, items: { type: string }, description: Derived features that name it. }
        Shard:
          type: object
          required: [shard, state, reason, lag_events, freshness_ms, rows, map_bytes, used_bytes, catching_up, commits, positions]
          additionalProperties: false
          properties:
            shard: { type: integer }
            state:
              type: string
              enum: [open, disconnected, stopped]
              description: A stopped shard needs a person, a disconnected one waits for a broker; its rows are still served.
            reason: { type: [string, "null"] }
            lag_events:
              type: [integer, "null"]
              description: Events that the topics hold and the shard has not applied; null before the first fetch.
            freshness_ms:
              type: [number, "null"]
              description: 0 when caught up, else the age of the newest applied record; null before the first record.
            rows: { type: integer }
            map_bytes: { type: integer }
            used_bytes: { type: integer }
            catching_up: { type: boolean, description: A rebuilt generation reads on beside it and takes its place when it has caught up. }
            commits:
              type: object
              description: Transactions since the shard opened.
              required: [batches, events, applying_ms, committing_ms, largest_batch]
              additionalProperties: false
              properties:
                batches: { type: integer }
                events: { type: integer }
                applying_ms: { type: number, description: Time spent applying events inside of them. }
                committing_ms: { type: number }
                largest_batch: { type: integer, description: Its events. }
            positions:
              type: array
              items: { $ref: "#/components/schemas/SourcePosition" }
        SourcePosition:
          type: object
          required: [topic, partition, offset, end]
          additionalProperties: false
          properties:
            topic: { type: string }
            partition: { type: integer }
            offset:
              type: integer
              description: The next offset to apply.
            end:
              type: [integer, "null"]
              description: End of the log when last heard of; null before the first fetch.
        Readiness:
          type: object
          required: [ready, missing]
          additionalProperties: false
          properties:
            ready: { type: boolean }
            missing:
              type: array
              items: { type: string }
        Problem:
          type: object
          required: [type, title, status, detail, remedy]
          additionalProperties: false
          properties:
            type:
              type: string
              format: uri
              description: "`urn:millrace:problem:` and a slug that never changes its meaning."
            title:
              type: string
            status:
              type: integer
            detail:
              type: string
              description: What is wrong, and where.
            remedy:
              type: string
              description: What to do about it.

    """#
