"""The local stack: real Kafka, PostgreSQL and mail servers for the demo, the tests and the benchmarks."""
