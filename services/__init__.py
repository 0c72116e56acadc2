"""The four services. Each is independent of the others and speaks to them through Kafka alone."""
