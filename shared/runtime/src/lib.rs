//! Lambda glue: configuration, clients, telemetry, partial batch responses.
