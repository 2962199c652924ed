"""Who may do what on a secured Kafka, worked out from the manifests of topics and partners."""
