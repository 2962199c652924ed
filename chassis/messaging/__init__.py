"""From Kafka record to outcome and from outbox to Kafka. Only here (and in the test kit) is Kafka's client known."""
