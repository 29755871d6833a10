"""One machine without Docker: brings Apache Kafka and PostgreSQL, starts the services, and keeps watch over them."""
