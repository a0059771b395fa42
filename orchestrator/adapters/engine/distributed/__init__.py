"""Orders over RabbitMQ, with Celery: to workers of other processes and machines."""
