"""The drivers behind the ports: the only files that import motor, faust, aiokafka, kafka or a clock."""
