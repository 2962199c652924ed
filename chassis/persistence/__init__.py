"""A service's own PostgreSQL: aggregates to rows in bulk, transactions, migrations. No Kafka."""
