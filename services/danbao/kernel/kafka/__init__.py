"""The broker's side of the ports: the only folder that knows aiokafka."""
