"""A service's own PostgreSQL: aggregates to rows in bulk, transactions, leadership, migrations. No Kafka."""
